"""What a simulation takes in time and memory as a site grows, and how quickly a handle answers."""

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

from bench import keys, scored, servers
from forum import accounts
from forum.accounts import Role
from forum.database import Database
from moderation import history, outlook, policies, simulation

SIZES, QUICK = (10_000, 100_000, 1_000_000), (5_000, 20_000)
# Milliseconds that a moved handle may take, at p99.
REACH = 100
# A text of a larger site may take so much more than one of a smaller.
GROWTH = 1.3

_MB = 1_000_000
# Notes when the pointer moved, and when what is told below was drawn anew.
_WATCH = """
addEventListener("DOMContentLoaded", () => {
  let moved = 0;
  addEventListener("pointermove", (event) => { window.took = 0; moved = event.timeStamp; }, true);
  const counts = document.querySelector(".policy-counts");
  new MutationObserver(() => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => { window.took = performance.now() - moved; };
    channel.port2.postMessage(null);
  })).observe(counts, { childList: true, characterData: true, subtree: true });
});
"""


@dataclass(frozen=True)
class Grown:
    """What one size takes: seconds to read it and ms to answer, both of processor time; in MB
    what is kept, and how much more the process needed at worst."""

    texts: int
    read: float
    kept: float
    peak: float
    release: float
    predict: float


def grown(texts: int, folder: Path) -> Grown:
    """Make a site of so many texts on SQLite and measure it in a process of its own."""
    file = folder / f"scored_{texts}.db"
    if not file.exists():
        scored.make(f"sqlite:///{file}", texts)
    told = subprocess.run(
        [sys.executable, "-m", "bench.simulation", f"sqlite:///{file}"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    return Grown(texts=texts, **json.loads(told))


def _measured(url: str) -> dict[str, float]:
    database = Database(url)
    with database.reading() as session:
        current = policies.in_force(session)
        # What is done once, at the first statement, is no part.
        history.read(session, current.classifier_id, at_most=100)
        before, began = _most(), time.process_time()
        known = history.read(session, current.classifier_id)
        read, peak = time.process_time() - began, _most() - before
        whole = outlook.together(session, known)
    bins = simulation.all_bins(known)
    policy = current.policy
    return {
        "read": read,
        "peak": peak,
        # Beside the columns it has the names of sections.
        "kept": sum(part.nbytes for part in vars(known).values() if isinstance(part, np.ndarray))
        / _MB,
        "release": _median(lambda: simulation.tradeoffs(known, policy, bins)),
        "predict": _median(lambda: outlook.predict(whole, policy)),
    }


def _most() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / _MB


def _median(work: Callable[[], object], times: int = 5) -> float:
    took = []
    for _ in range(times):
        began = time.process_time()
        work()
        took.append((time.process_time() - began) * 1000)
    return statistics.median(took)


@dataclass(frozen=True)
class Dragged:
    """What one waited for, in ms: p50 and p99 of each move of a handle, and letting it go."""

    texts: int
    p50: float
    p99: float
    release: float


def dragged(texts: int, folder: Path, *, times: int) -> Dragged:
    """Drag a handle of the threshold room's page in a real browser, so many steps."""
    url = f"sqlite:///{folder / f'scored_{texts}.db'}"
    # The server begins with counting what happened here, and writes.
    token = _admin(url)
    with servers.forum(url, worker=False) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=keys.chromium(), args=list(keys.CHROMIUM)
        )
        # What waits for the page is evaluated in it, which its own rules forbid.
        context = browser.new_context(viewport={"width": 1280, "height": 900}, bypass_csp=True)
        context.add_cookies([{"name": "forum", "value": token, "url": server.address}])
        context.add_init_script(_WATCH)
        page = context.new_page()
        address = f"{server.address}/admin/policy?days=all"
        page.goto(address)
        # The first page has the newest texts; the others come after it.
        while page.get_by_text("are being read").count():
            page.wait_for_timeout(500)
            page.goto(address)
        moves = list(_moves(page, times))
        began = time.perf_counter()
        page.mouse.up()
        page.wait_for_function("document.querySelector('[data-counted]').textContent", polling=5)
        release = (time.perf_counter() - began) * 1000
        browser.close()
    cuts = statistics.quantiles(moves, n=100, method="inclusive")
    return Dragged(texts, cuts[49], cuts[98], release)


def _moves(page: Page, times: int) -> Iterator[float]:
    grip = page.get_by_role("slider", name="Severe toxicity, hold from", exact=True)
    grip.scroll_into_view_if_needed()
    box = grip.bounding_box()
    if box is None:
        raise RuntimeError("The page has no handle to drag.")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    # The first question goes to the server; the moves are what comes after it.
    grip.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('[data-counted]').textContent", polling=20)
    page.evaluate("document.querySelector('[data-counted]').textContent = ''")
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(times):
        page.mouse.move(x + 4 + 3 * (step % 20), y)
        page.wait_for_function("window.took", polling=2)
        yield float(page.evaluate("window.took"))


def _admin(url: str) -> str:
    database = Database(url)
    try:
        with database.writing() as session:
            account = accounts.sign_up(session, f"Ada {time.time_ns()}", password_hash="of nobody")
            account.role = Role.ADMIN.value
            session.flush()
            return accounts.sign_in(session, account.id)
    finally:
        database.close()


def growth(found: Sequence[Grown]) -> float:
    """How much more a text takes to be read at the largest size than at the one before it."""
    smaller, larger = found[-2:]
    return (larger.read / larger.texts) / (smaller.read / smaller.texts)


if __name__ == "__main__":
    print(json.dumps(_measured(sys.argv[1])))
