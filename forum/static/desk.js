// The moderator's hand stays on the keyboard: decisions go out at once, and the next case is
// already there. Without it the forms and links of the page do the same, a page at a time.

const UNDO_FOR = 30_000;
const KEPT = "forum-keys";

const main = document.querySelector("main");
const list = document.querySelector(".cases");
// What another case's page brings along.
let page, help, status, on;

function say(words, kind = "") {
  if (!status) return;
  status.dataset.kind = kind;
  status.replaceChildren(words);
}

// ---- keys ----

function arrive() {
  page = document.querySelector(".case-open");
  help = document.getElementById("keys");
  status = document.querySelector(".desk-status");
  on = help?.querySelector("[name=keys]");
  if (on) on.checked = localStorage.getItem(KEPT) !== "off";
  on?.addEventListener("change", () => localStorage.setItem(KEPT, on.checked ? "on" : "off"));
  for (const opener of document.querySelectorAll("[data-opens=keys]")) {
    opener.hidden = false;
    opener.addEventListener("click", () => help.showModal());
  }
}

arrive();

function typing(target) {
  return target.closest("textarea, select, input:not([type=checkbox], [type=radio]), dialog");
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key === "Escape" && typing(event.target) && !help?.open) {
    event.target.blur();
    return;
  }
  if (typing(event.target)) return;
  if (event.key === "?") help?.showModal();
  else if (!on?.checked || event.repeat || !act(event.key)) return;
  event.preventDefault();
});

// Whether the key means something here.
function act(key) {
  const at = page ?? current();
  if (key === "j" || key === "ArrowDown") return page ? leaf() : go(1);
  if (key === "k" || key === "ArrowUp") return page ? follow("[rel=prev]") : go(-1);
  if (key === "u") return undo();
  if (key === "/") return find();
  if (key === "b") return together();
  if (!at) return false;
  if (key === "a") return press(at, "approve");
  if (/^[1-9]$/.test(key)) return reject(at, Number(key));
  if (key === "o") return follow("[data-key=thread]", at);
  if (key === "p") return follow("[data-key=author]", at);
  if (key === "c") return follow("[data-key=case]", at);
  if (key === "n") return note(at);
  if (key === "x") return follow(".case-choose input", at);
  return false;
}

function follow(selector, within = document) {
  const link = within.querySelector(selector);
  link?.click();
  return Boolean(link);
}

function press(at, to) {
  const button = at.querySelector(`.decide button[value=${to}]`);
  button?.click();
  return Boolean(button);
}

function reject(at, number) {
  const select = at.querySelector(".decide select[name=reason]");
  const option = select?.options[number];
  if (!option) return false;
  select.value = option.value;
  const words = at.querySelector(".decide input[name=words]");
  if ("wantsWords" in option.dataset && !words.value.trim()) {
    words.focus();
    say(`${option.text}: please say it in a few words, then press Return.`);
    return true;
  }
  return press(at, "reject");
}

function note(at) {
  const field = document.getElementById("note") ?? at.querySelector("input[name=words]");
  field?.focus();
  return Boolean(field);
}

function together() {
  const chosen = document.querySelector(".case:not([data-done]) .case-choose :checked");
  if (chosen) return follow("button[form=choose]");
  if (document.getElementById("choose")) say("Nothing is chosen yet. The key x chooses a case.");
  return true;
}

function find() {
  const field = document.querySelector("[data-key=search]");
  field?.select();
  return Boolean(field);
}

// ---- the list ----

function open(article) {
  return !article.dataset.done && !article.dataset.taken;
}

// Nothing but cases stands in the list. To look for them by a selector goes through all that is
// in each, which grows long.
function articles() {
  return [...(list?.children ?? [])];
}

function current() {
  return articles().find((article) => article.hasAttribute("aria-current"));
}

let claiming;

function choose(article, { focus = true } = {}) {
  const before = current();
  if (before !== article) before?.removeAttribute("aria-current");
  article.setAttribute("aria-current", "true");
  article.tabIndex = -1;
  if (focus) {
    article.focus({ preventScroll: true });
    article.scrollIntoView({ block: "start" });
  }
  clearTimeout(claiming);
  // Who leafs through the list claims where they stay.
  if (list.dataset.claim) claiming = setTimeout(() => claim(article), 150);
  goingOn = false;
  stock();
}

async function claim(article) {
  if (article.dataset.done) return;
  const answer = await send(address(list.dataset.claim, article)).catch(() => null);
  if (answer?.status === 409) {
    taken(article, (await answer.json()).detail);
    if (article === current() && !typing(document.activeElement)) go(1);
  }
}

function address(pattern, article) {
  return pattern.replace(/\b0\b/, article.dataset.case);
}

function go(by) {
  const all = articles();
  if (!all.length) return false;
  const from = current();
  let at = from ? all.indexOf(from) : by > 0 ? -1 : all.length;
  do at += by;
  while (all[at] && !open(all[at]));
  if (all[at]) choose(all[at]);
  else if (by > 0 && onward()) {
    goingOn = true;
    say(ON_THEIR_WAY);
    more();
  } else if (by > 0) say("That was the last case on this page.");
  return true;
}

const ON_THEIR_WAY = "More cases are on their way.";
const AHEAD = 12;
const AT_ONCE = 5;

// Whether the moderator was at the end of what is here, and goes on when more of it comes.
let goingOn = false;
let fetching = false;

function onward() {
  return document.querySelector(".pager [rel=next]");
}

// More of the list comes while there is still enough to do.
function stock() {
  const all = articles();
  const ahead = all.slice(all.indexOf(current()) + 1).filter(open);
  if (ahead.length < AHEAD) more();
}

async function more() {
  const link = onward();
  if (!link || fetching) return;
  fetching = true;
  let came = false;
  try {
    const answer = await fetch(link.href);
    // Whoever is signed out meanwhile is led elsewhere.
    if (!answer.ok || answer.redirected) return;
    const holder = document.createElement("template");
    holder.innerHTML = await answer.text();
    const cases = [...holder.content.querySelectorAll(".cases > .case")];
    while (cases.length) {
      for (const article of cases.splice(0, AT_ONCE)) {
        if (!document.getElementById(article.getAttribute("aria-labelledby"))) list.append(article);
      }
      // A key that is pressed meanwhile need not wait until all are laid out.
      await new Promise((done) => setTimeout(done));
    }
    const pager = holder.content.querySelector(".pager");
    link.closest(".pager").replaceWith(...(pager ? [pager] : []));
    came = true;
  } catch {
    // The link is still there.
  } finally {
    fetching = false;
    if (goingOn) goOn(came);
  }
}

async function goOn(came) {
  if (!came) {
    // What the decisions before it have to say comes first.
    await Promise.all(decided.map((each) => each.sent));
    if (!goingOn) return;
    goingOn = false;
    say("More cases did not come. Please press j to try again, or follow “More cases”.", "refused");
    return;
  }
  if (status?.textContent === ON_THEIR_WAY) say("");
  // Who began to write meanwhile is not torn away.
  if (typing(document.activeElement)) goingOn = false;
  else go(1);
}

function send(where, fields = {}) {
  return fetch(where, {
    method: "POST",
    headers: { accept: "application/json" },
    body: new URLSearchParams(fields),
    keepalive: true,
  });
}

// ---- deciding ----

const decided = [];

list?.addEventListener("submit", (event) => {
  const form = event.target;
  const article = form.closest(".case");
  const button = event.submitter;
  if (!article || button?.name !== "to") return;
  event.preventDefault();
  decide(article, form, button);
});

async function decide(article, form, button) {
  if (article.dataset.done) return;
  const fields = { ...Object.fromEntries(new FormData(form)), to: button.value };
  article.dataset.done = "sending";
  const mine = { article, at: performance.now(), undo: null };
  decided.push(mine);
  const here = article === current() || !current();
  if (here) {
    article.setAttribute("aria-current", "true");
    go(1);
  }
  mine.sent = settle(mine, form, fields);
  await mine.sent;
}

async function settle(mine, form, fields) {
  const { article } = mine;
  try {
    const answer = await send(form.action, fields);
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.detail);
    mine.undo = said.undo;
    article.dataset.done = fields.to;
    fold(article, said.words, mine);
    say(`Case ${said.case}: ${said.words}`);
  } catch (problem) {
    decided.splice(decided.indexOf(mine), 1);
    delete article.dataset.done;
    const words =
      problem instanceof TypeError
        ? "The server did not answer, so nothing was recorded. Please try again."
        : problem.message;
    flag(article, words);
    say(`Case ${article.dataset.case}: ${words}`, "refused");
  }
}

// What a decided case leaves on the page: a line, with a way back for a while.
function fold(article, words, mine) {
  const line = document.createElement("p");
  line.className = "case-done";
  const link = document.createElement("a");
  link.href = article.querySelector("[data-key=case]").href;
  link.textContent = `Case ${article.dataset.case}`;
  line.append(link, ` ${words} `);
  if (mine) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button";
    button.textContent = "Undo";
    button.addEventListener("click", () => takeBack(mine));
    line.append(button);
    setTimeout(() => button.remove(), UNDO_FOR);
  }
  article.querySelector(".case-done")?.remove();
  article.prepend(line);
}

function flag(article, words) {
  article.querySelector(".case-flag")?.remove();
  const notice = document.createElement("p");
  notice.className = "notice notice-refused case-flag";
  notice.textContent = words;
  article.prepend(notice);
}

function undo() {
  if (page) return undoHere();
  const last = decided.findLast((each) => performance.now() - each.at < UNDO_FOR);
  if (last) takeBack(last);
  // A batch that led to this page.
  else if (performance.now() < UNDO_FOR && follow("[data-key=undo] button")) return true;
  else say("There is nothing to take back within 30 seconds. The log has every decision.");
  return true;
}

async function takeBack(mine) {
  const at = decided.indexOf(mine);
  if (at < 0) return;
  decided.splice(at, 1);
  await mine.sent;
  if (!mine.undo) return;
  const { article } = mine;
  try {
    const answer = await send(mine.undo, { case: article.dataset.case });
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.detail);
    for (const field of article.querySelectorAll("[name=version]")) field.value = said.version;
    for (const field of article.querySelectorAll("[name=seen]")) field.value = said.line;
    delete article.dataset.done;
    article.querySelector(".case-done")?.remove();
    say(`Case ${said.case}: taken back.`);
    choose(article);
  } catch (problem) {
    const words = problem instanceof TypeError ? "The server did not answer." : problem.message;
    say(`Case ${article.dataset.case}: ${words}`, "refused");
  }
}

// ---- the page of one case ----

// The page of the next case, already here or on its way; whether a key waits for it; and what was
// decided last on such a page.
let ahead = null;
let looking = null;
let turning = false;
let lastHere = null;

function lookAhead() {
  ahead = null;
  looking = fetchAhead(page);
}

async function fetchAhead(here) {
  const link = document.querySelector(".case-ways [rel=next]");
  if (!here?.dataset.case || !link) return;
  const where = new URL(link.href);
  where.searchParams.set("ahead", here.dataset.case);
  try {
    const answer = await fetch(where);
    if (answer.status !== 200 || answer.redirected) return;
    const found = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (here === page && found.querySelector(".case-open[data-here]")) ahead = found;
  } catch {
    // The link is still there.
  }
}

function show(nodes, title) {
  main.replaceChildren(...nodes);
  document.title = title;
  arrive();
  main.dispatchEvent(new Event("arrived", { bubbles: true }));
  scrollTo(0, 0);
  main.focus({ preventScroll: true });
}

// Turn to the next case, and return the way back.
function turn() {
  const before = { nodes: [...main.childNodes], title: document.title, address: location.href };
  const next = ahead;
  ahead = null;
  show([...next.querySelector("main").childNodes], next.title);
  history.pushState(null, "", page.dataset.here);
  lookAhead();
  return before;
}

// Whether the next page is here, or comes now.
async function comes() {
  turning = true;
  if (!ahead) await looking;
  turning = false;
  return Boolean(ahead);
}

// Have the case that is open claimed, and see that it is as it was when it was fetched.
async function takeUp() {
  const here = page;
  const answer = await send(here.dataset.claim).catch(() => null);
  if (!answer || here !== page) return;
  if (answer.status === 409) {
    follow("[rel=next]");
    return;
  }
  const said = await answer.json();
  const version = here.querySelector("[name=version]")?.value;
  if (here !== page) return;
  if (!answer.ok || String(said.version) !== version) location.replace(here.dataset.here);
}

async function leaf() {
  if (turning) return;
  if (await comes()) {
    turn();
    takeUp();
  } else follow("[rel=next]");
}

main?.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!page?.contains(form) || event.submitter?.name !== "to") return;
  const to = event.submitter.value;
  event.preventDefault();
  if (turning) return;
  if (await comes()) decideHere(form, to);
  else {
    // Nothing else is left, or it does not come: the server leads on.
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name: "to", value: to });
    form.append(field);
    form.submit();
  }
});

async function decideHere(form, to) {
  const fields = { ...Object.fromEntries(new FormData(form)), to };
  const mine = { case: page.dataset.case, before: turn() };
  lastHere = mine;
  mine.sent = settleHere(mine, form.action, fields);
  if (await mine.sent) takeUp();
}

// Whether it was recorded. If not, the case comes back as it was, with what was typed.
async function settleHere(mine, where, fields) {
  const { before } = mine;
  try {
    const answer = await send(where, fields);
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.detail);
    if (mine === lastHere) offerUndo(mine, said, fields);
    return true;
  } catch (problem) {
    const words =
      problem instanceof TypeError
        ? "The server did not answer, so nothing was recorded. Please try again."
        : problem.message;
    if (mine === lastHere && !typing(document.activeElement)) {
      show(before.nodes, before.title);
      history.replaceState(null, "", before.address);
      flag(page, words);
      lookAhead();
    }
    say(`Case ${mine.case}: ${words}`, "refused");
    return false;
  }
}

// As the page of the next case has it at its top when the server leads there.
function offerUndo(mine, said, fields) {
  const notice = document.createElement("div");
  notice.className = "notice notice-done";
  notice.setAttribute("role", "status");
  const line = document.createElement("p");
  const link = document.createElement("a");
  link.href = mine.before.address;
  link.textContent = `Case ${mine.case}`;
  line.append(`${said.words} `, link);
  const form = document.createElement("form");
  form.method = "post";
  form.action = said.undo;
  form.className = "act";
  form.dataset.key = "undo";
  const notOfView = ["to", "version", "after", "reason", "words", "seen", "many"];
  for (const [name, value] of Object.entries({ ...fields, case: mine.case })) {
    if (notOfView.includes(name)) continue;
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name, value });
    form.append(field);
  }
  const button = document.createElement("button");
  button.className = "button";
  button.textContent = "Undo";
  form.append(button);
  notice.append(line, form);
  main.prepend(notice);
}

async function undoHere() {
  await lastHere?.sent;
  follow("[data-key=undo] button");
}

window.addEventListener("popstate", () => location.reload());
if (page) lookAhead();

// ---- what others do ----

function taken(article, words) {
  article.dataset.taken = "";
  let holder = article.querySelector(".case-holder");
  if (!holder) {
    holder = document.createElement("span");
    holder.className = "case-holder";
    article.querySelector(".case-head").append(holder);
  }
  holder.textContent = words;
}

function heard({ counts, changed, taken: claims }) {
  for (const [show, count] of Object.entries(counts)) {
    const place = document.querySelector(`[data-count=${show}]`);
    if (place && place.textContent !== count) place.textContent = count;
  }
  const byCase = new Map(claims.map((each) => [String(each.case), each.words]));
  // Who has a case has those that say the same.
  const byFold = new Map(claims.map((each) => [String(each.fold), each.words]));
  for (const article of articles()) {
    const words = byCase.get(article.dataset.case) ?? byFold.get(article.dataset.fold);
    if (words) taken(article, words);
    else if ("taken" in article.dataset) {
      delete article.dataset.taken;
      article.querySelector(".case-holder")?.remove();
    }
  }
  for (const { case: number, words } of changed) {
    const article = list?.querySelector(`.case[data-case="${number}"]`);
    if (!article || article.dataset.done) continue;
    // What somebody types here is not folded away; sending it tells the same.
    if (article.contains(document.activeElement) && typing(document.activeElement)) {
      flag(article, words);
      continue;
    }
    article.dataset.done = "other";
    fold(article, words);
    if (article === current()) go(1);
  }
  if (current()) stock();
}

const source = document.querySelector("[data-queue-events]");
if (source) {
  const events = new EventSource(source.dataset.queueEvents);
  events.addEventListener("queue", (event) => heard(JSON.parse(event.data)));
  window.addEventListener("pagehide", () => events.close());
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
}

// Who goes away lets others have the case.
window.addEventListener("pagehide", () => {
  const article = current();
  const where = page?.dataset.leave ?? (article && list.dataset.leave && address(list.dataset.leave, article));
  if (where) navigator.sendBeacon(where, new URLSearchParams());
});

// A list begins with its first free case, without taking the focus from where the reader is.
if (list && !location.hash) {
  const first = articles().find(open);
  if (first && list.dataset.claim) choose(first, { focus: false });
}
