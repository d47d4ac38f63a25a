// A batch that runs is followed without reloading; without this the page's link looks again.

const EVERY = 1_000;

async function follow() {
  const here = document.querySelector("#batch[data-follow]");
  if (!here) return;
  try {
    const answer = await fetch(here.dataset.follow);
    if (!answer.ok) return;
    const holder = document.createElement("template");
    holder.innerHTML = await answer.text();
    const now = holder.content.getElementById("batch");
    if (!now) return;
    // A button that somebody is about to press stays under the finger.
    if (now.dataset.follow && here.querySelector(".form-acts").contains(document.activeElement)) {
      now.querySelector(".form-acts").replaceWith(here.querySelector(".form-acts"));
    }
    here.replaceWith(now);
  } catch {
    // The server may come back.
  }
  setTimeout(follow, EVERY);
}

setTimeout(follow, EVERY);
