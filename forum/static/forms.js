// Counts what is left in long fields, and keeps a form from being sent twice. Without it the
// server says the same.

const NEAR = 200;

function count(within) {
  for (const field of within.querySelectorAll("textarea[data-limit]")) {
    const limit = Number(field.dataset.limit);
    let left = field.parentElement.querySelector(".field-left");
    if (!left) {
      left = document.createElement("p");
      left.className = "field-left quiet";
      left.setAttribute("aria-live", "polite");
      field.after(left);
    }
    let waiting;
    const say = () => {
      const rest = limit - [...field.value].length;
      const many = Math.abs(rest) === 1 ? "character" : "characters";
      if (rest < 0) left.textContent = `${-rest} ${many} too many`;
      else left.textContent = rest <= NEAR ? `${rest} ${many} left` : "";
      left.toggleAttribute("data-over", rest < 0);
    };
    // Said when the typing pauses: a voice that counts along is no help.
    field.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(say, 400);
    });
    say();
  }
}

count(document);
// Another page may come in the place of this one.
document.addEventListener("arrived", (event) => count(event.target));

const sent = new WeakSet();

document.addEventListener("submit", (event) => {
  if (event.defaultPrevented) return;
  if (sent.has(event.target)) event.preventDefault();
  else if (event.target.method === "post") sent.add(event.target);
});

// The page may come back from the browser's memory, to be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.forms) sent.delete(form);
});
