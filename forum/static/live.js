// Keeps an open thread up to date. Without it reloading the page does the same.

const list = document.querySelector("[data-events]");
const fresh = list.querySelector(".fresh");
const seen = new Set();
const answers = new Map();

function gap(old, status) {
  const article = document.createElement("article");
  article.className = "comment";
  article.id = old.id;
  article.dataset.status = status;
  const words = document.createElement("p");
  words.className = "comment-gap";
  words.textContent = list.dataset[status] ?? list.dataset.removed;
  article.append(words);
  return article;
}

async function part(id) {
  const answer = await fetch(list.dataset.part.replace(/\b0\b/, id));
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
  const holder = document.createElement("template");
  holder.innerHTML = await answer.text();
  return holder.content.querySelector("article");
}

async function replace(old, status) {
  const found = status in list.dataset ? null : await part(old.id.slice("comment-".length));
  const comment = found ?? gap(old, status);
  comment.dataset.depth = old.dataset.depth;
  // One comment alone does not know what it answers on this page, nor what is left out below it.
  const answered = old.querySelector(".comment-answers");
  if (answered) answers.set(old.id, answered);
  if (found && answers.has(old.id) && !found.querySelector(".comment-answers")) {
    found.querySelector(".comment-time").after(" ", answers.get(old.id));
  }
  const more = old.querySelector(".comment-more");
  if (more) comment.append(more);
  const focused = old.contains(document.activeElement);
  old.replaceWith(comment);
  const waiting = comment.closest(".waiting");
  if (waiting && status === "published") {
    // Others see it now, so it no longer stands among those that they do not.
    waiting.after(comment);
    if (!waiting.querySelector("article")) waiting.remove();
  }
  if (focused) {
    comment.tabIndex = -1;
    comment.focus({ preventScroll: true });
  }
}

function count(id) {
  seen.add(id);
  const link = document.createElement("a");
  link.className = "button";
  const address = new URL(list.dataset.newest ?? location.pathname + location.search, location);
  address.searchParams.delete("notice");
  link.href = address.pathname + address.search;
  link.textContent = `${seen.size} new ${seen.size === 1 ? "comment" : "comments"} – show`;
  fresh.replaceChildren(link);
}

async function changed({ comment: id, status, own }) {
  const old = document.getElementById(`comment-${id}`);
  if (!old) {
    if (status === "published" && !own) count(id);
  } else if (old.dataset.status !== status) {
    await replace(old, status);
  }
}

const events = new EventSource(list.dataset.events);
// One after the other: two changes of one comment must not overtake each other.
let last = Promise.resolve();
events.addEventListener("comment", (event) => {
  const change = JSON.parse(event.data);
  // A part that cannot be had just now is there at the next reload.
  last = last.then(() => changed(change)).catch(() => {});
});
window.addEventListener("pagehide", () => events.close());
// Back from the browser's memory the page is old and its connection closed.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
