"""From key press to the next case on screen, in a real browser."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from bench import servers
from bench.desk import Waited, waited
from bench.load import LoadFailed
from bench.servers import Spent, between, spent

# Between two keys: four decisions a second, which no person keeps up.
PAUSE = 250  # milliseconds
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
# Notes when a key went down, and when another case stood on the screen: after the frame in which
# it became the current one, or in which its page was first drawn.
_WATCH = """
(() => {
  const now = () => performance.timeOrigin + performance.now();
  const drawn = () => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      const pressed = Number(sessionStorage.pressed);
      if (pressed) sessionStorage.took = now() - pressed;
      sessionStorage.pressed = "";
    };
    channel.port2.postMessage(null);
  });
  addEventListener("keydown", (event) => {
    sessionStorage.took = "";
    sessionStorage.pressed = performance.timeOrigin + event.timeStamp;
  }, true);
  addEventListener("DOMContentLoaded", () => {
    let open = document.querySelector(".case-open");
    if (open) {
      drawn();
      // Another case comes in its place.
      new MutationObserver(() => {
        const now = document.querySelector(".case-open");
        if (now && now !== open && now.querySelector(".case-text")) { open = now; drawn(); }
      }).observe(document.querySelector("main"), { childList: true });
    }
    const list = document.querySelector(".cases");
    if (!list) return;
    let at = null;
    new MutationObserver(() => {
      const here = list.querySelector(".case[aria-current]");
      if (here && here !== at && here.querySelector(".case-text")) { at = here; drawn(); }
    }).observe(list, { subtree: true, attributes: true, attributeFilter: ["aria-current"] });
  });
})();
"""


def measure(url: str, token: str, *, times: int) -> Iterator[Waited]:
    """Decide so many cases by keys, in the list and on the pages of single cases."""
    with servers.forum(url, worker=False) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM)
        # What watches here is no part of the page, whose policy would refuse it.
        context = browser.new_context(viewport={"width": 1280, "height": 900}, bypass_csp=True)
        context.add_cookies([{"name": "forum", "value": token, "url": server.address}])
        context.add_init_script(_WATCH)
        page = context.new_page()
        for what, path, keys in (
            ("key to next case, in the list: approve, reject", "/review", "a1"),
            ("key to next case, in the list: leaf", "/review", "j"),
            ("key to next case, a page each: approve, reject", "/review/next", "a1"),
            ("key to next case, a page each: leaf", "/review/next", "j"),
        ):
            page.goto(server.address + path)
            page.wait_for_selector(".case[aria-current], .case-open")
            yield _pressed(page, what, keys, times, server.process.pid)
        browser.close()


def _pressed(page: Page, what: str, keys: str, times: int, server: int) -> Waited:
    took, own, cpu = [], [], 0.0
    # The first is not counted, as elsewhere.
    for number in range(times + 1):
        page.wait_for_timeout(PAUSE)
        processes = [server, *_below(os.getpid())]
        before = spent(processes)
        page.keyboard.press(keys[number % len(keys)])
        page.wait_for_function("sessionStorage.took", polling=5)
        working, waiting = between(before, _of_main(spent(processes), processes))
        if number:
            wall = float(page.evaluate("sessionStorage.took"))
            took.append(wall)
            own.append(max(wall - waiting, min(wall, working)))
            cpu += between(before, spent([server]))[0]
    return waited(what, own, took, cpu)


def _of_main(found: Spent, processes: list[int]) -> Spent:
    """Only the first thread of each: a browser's others do not stand in the way."""
    first = set(map(str, processes))
    return {thread: each for thread, each in found.items() if thread in first}


def _below(process: int) -> list[int]:
    """The processes that this one started, and those that they did."""
    found = []
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, children.read_text().split()):
                found += [child, *_below(child)]
    return found


def chromium() -> str:
    """Return where the browser is. Raises LoadFailed."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise LoadFailed("The way from key to screen needs Chromium: apt-get install chromium")
