// Thresholds as handles on the histograms: drag them, or move them by keys, and see at once what
// would become of the comments. The number fields stay what is sent; without this file they and
// the preview do the same.

const FINE = 1000;
const [PUBLISHED, HELD, REJECTED] = [0, 1, 2];
const NAMES = ["published", "held", "rejected"];
const SVG = "http://www.w3.org/2000/svg";
// The drawing runs from 20 to 220 for scores from 0 to 1 (parts/histogram.html).
const LEFT = 20;
const WIDE = 200;
// A typed number is counted when the typing pauses.
const PAUSE = 250;

const form = document.querySelector("form[data-counts]");
const counts = document.querySelector(".policy-counts");
const told = document.querySelector("[data-counted]");

if (form) {
  for (const svg of form.querySelectorAll("[data-histogram]")) handles(svg);
  let typing;
  form.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(count, PAUSE);
  });
}

function field(kind, label) {
  return form.elements[`${kind}_${label}`];
}

function limit(kind, label) {
  const typed = field(kind, label)?.value.trim().replace(",", ".");
  return typed ? Number(typed) : null;
}

// ---- handles ----

function make(name, attributes, parent) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent.append(made);
  return made;
}

function handles(svg) {
  const label = svg.dataset.histogram;
  const zones = svg.querySelector("[data-drawn]");
  const lines = svg.querySelector("[data-limits]");
  // Sliders inside would be hidden from those who cannot see the drawing.
  svg.setAttribute("role", "group");
  lines.replaceChildren();
  const grips = Object.fromEntries(
    [["hold", "H"], ["reject", "R"]].map(([kind, letter]) => {
      const grip = make("g", {
        class: "histogram-handle",
        role: "slider",
        tabindex: "0",
        "aria-label": `${svg.dataset.title}, ${kind} from`,
        "aria-valuemin": "0",
        "aria-valuemax": "1",
      }, lines);
      make("rect", { x: -7, y: 0, width: 14, height: 72 }, grip);
      make("line", { class: "histogram-limit", x1: 0, x2: 0, y1: 10, y2: 70 }, grip);
      const sign = make("text", { class: "histogram-letter", y: 8, "text-anchor": "middle" }, grip);
      sign.textContent = letter;
      drag(grip, kind);
      return [kind, grip];
    }),
  );

  function draw() {
    const at = { hold: limit("hold", label), reject: limit("reject", label) };
    const near = at.hold !== null && at.reject !== null && at.reject - at.hold < 0.06;
    zones.replaceChildren();
    const end = at.reject ?? 1;
    for (const [kind, from, to] of [["hold", at.hold, end], ["reject", at.reject, 1]]) {
      if (from === null || !(to >= from)) continue;
      make("rect", {
        x: LEFT + from * WIDE, y: 12, width: (to - from) * WIDE, height: 56,
        fill: `url(#hatch-${kind})`,
      }, zones);
    }
    for (const [kind, grip] of Object.entries(grips)) {
      // "Never" is kept at the right edge, from where it can be taken.
      const value = at[kind];
      const never = value === null || !(value >= 0 && value <= 1);
      const shift = kind === "hold" ? (near ? -4 : 0) : near ? 4 : 0;
      grip.setAttribute("transform", `translate(${LEFT + (never ? 1 : value) * WIDE} 0)`);
      grip.lastChild.setAttribute("x", never ? (kind === "hold" ? -5 : 2) : shift);
      grip.setAttribute("aria-valuenow", never ? 1 : value);
      grip.setAttribute("aria-valuetext", never ? "never" : String(value));
      grip.style.opacity = never ? 0.55 : "";
    }
  }

  function set(kind, value) {
    const other = kind === "hold" ? "reject" : "hold";
    let to = value;
    if (to !== null) {
      to = Math.min(1, Math.max(0, Math.round(to * FINE) / FINE));
      const bound = limit(other, label);
      // The reject threshold is never below the hold threshold.
      if (bound !== null) to = kind === "hold" ? Math.min(to, bound) : Math.max(to, bound);
    }
    const written = to === null ? "" : String(to);
    if (field(kind, label).value === written) return;
    field(kind, label).value = written;
    draw();
    estimate(label);
  }

  function drag(grip, kind) {
    let moved = false;
    const place = (event) => {
      const point = new DOMPoint(event.clientX, event.clientY);
      return (point.matrixTransform(svg.getScreenCTM().inverse()).x - LEFT) / WIDE;
    };
    grip.addEventListener("pointerdown", (event) => {
      grip.setPointerCapture(event.pointerId);
      grip.focus();
      moved = false;
      event.preventDefault();
    });
    grip.addEventListener("pointermove", (event) => {
      if (!grip.hasPointerCapture(event.pointerId)) return;
      moved = true;
      // Drawn out over the right edge it means never.
      const to = place(event);
      set(kind, to > 1.03 ? null : to);
    });
    grip.addEventListener("lostpointercapture", () => moved && count());
    grip.addEventListener("keydown", (event) => {
      const now = limit(kind, label);
      const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -50, PageUp: 50 }[event.key];
      if (step) set(kind, (now ?? 1) + (step * (event.shiftKey ? 10 : 1)) / FINE);
      else if (event.key === "Home") set(kind, 0);
      else if (event.key === "End") set(kind, 1);
      else if (event.key === "Delete" || event.key === "Backspace") set(kind, null);
      else return;
      event.preventDefault();
      clearTimeout(keys);
      keys = setTimeout(count, PAUSE);
    });
  }
  let keys;

  for (const kind of ["hold", "reject"]) field(kind, label)?.addEventListener("input", draw);
  draw();
}

// ---- counts ----

// What the server counted last: right for every place of one handle while the rest stays.
let counted = null;
let asked = 0;

// Ask the server, which judges every comment again.
async function count() {
  const number = ++asked;
  let found;
  try {
    const answer = await fetch(form.dataset.counts, {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      headers: { accept: "application/json" },
    });
    found = await answer.json();
    if (!answer.ok && !found.problem) throw new Error(answer.status);
  } catch {
    found = { problem: "What would change cannot be counted now. Preview and saving still work." };
  }
  // A later question is on its way.
  if (number !== asked) return;
  if (found.problem) {
    counted = null;
    for (const cell of document.querySelectorAll("[data-then]")) cell.textContent = "—";
    show(found.problem, true);
    return;
  }
  counted = found;
  for (const cell of document.querySelectorAll("[data-then]")) {
    cell.textContent = found.lines[cell.dataset.then] ?? "—";
  }
  const day = `A day then: ${found.lines.hours} of moderators; published that people would remove: ${found.lines.misses}.`;
  show([sentence(found.then), people(found.changes), day].filter(Boolean).join(" "), true);
}

// Until the server has answered: count under the handle that moves.
function estimate(label) {
  const known = counted?.labels[label];
  if (!known) return void (counted || count());
  const ends = ["hold", "reject"].map((kind) => {
    const at = limit(kind, label);
    return at === null ? FINE + 1 : Math.round(at * FINE);
  });
  const low = Math.min(...ends);
  // Where places have thresholds of their own, nothing moves.
  const then = [...known.fixed];
  for (const [rest, bin, texts] of known.cells) {
    then[bin >= ends[1] ? REJECTED : bin >= low ? Math.max(rest, HELD) : rest] += texts;
  }
  const least = low <= FINE ? HELD : PUBLISHED;
  known.unscored.forEach((texts, rest) => (then[Math.max(rest, least)] += texts));
  show(sentence(then), false);
}

function sentence(then) {
  const said = then.map((texts, status) => {
    const more = texts - counted.now[status];
    const change = more ? ` (${more > 0 ? "+" : "−"}${spaced(Math.abs(more))})` : "";
    return `${spaced(texts)} ${NAMES[status]}${change}`;
  });
  return `Of the last ${spaced(counted.texts)} comments: ${said.join(", ")}.`;
}

function people(changes) {
  return changes
    .filter(([, , , kept, removed]) => kept || removed)
    .map(([before, after, texts, kept, removed]) =>
      `Of ${spaced(texts)} ${before} that would be ${after}, moderators had kept ${spaced(kept)} and removed ${spaced(removed)}.`)
    .join(" ");
}

function spaced(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

function show(words, settled) {
  counts.hidden = false;
  counts.textContent = words;
  // A voice is told what came out, not every step on the way.
  if (settled) told.textContent = words;
}
