"""A site as it runs for readers: `forum serve` in a process of its own, and real browsers."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from forum import accounts, articles
from forum.accounts import Role
from forum.database import Database, utc_now
from tests.people import PASSWORD, TEA

PATIENCE = 90.0  # seconds that a busy machine is given
# A page that keeps its promise late on a busy machine keeps it.
expect.set_options(timeout=PATIENCE * 1000)

THREAD = "/threads/the-town-that-argues-about-tea"
_HASH = accounts.hash_password(PASSWORD)
_CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def until(true: Callable[[], Any], what: str) -> Any:
    """Wait for a condition and return what it gave. Fails in words when it does not come."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx2.TransportError):
            if found := true():
                return found
        time.sleep(0.02)
    raise AssertionError(f"Waited {PATIENCE:.0f} seconds in vain: {what}.")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# The command `forum`, with a clock that is so many days ahead.
_COMMAND = """
from datetime import timedelta
from forum import database
database.Database.__init__.__kwdefaults__["clock"] = (
    lambda now=database.utc_now: now() + timedelta(days={days})
)
from forum.cli import main
main()
"""


class Running:
    """A site that runs, and its processes."""

    def __init__(self, database_url: str, **settings: object) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.environment = os.environ | {
            "FORUM_DATABASE": database_url,
            "FORUM_PORT": str(self.port),
            "FORUM_ADDRESS": self.address,
            **{f"FORUM_{name.upper()}": str(value) for name, value in settings.items()},
        }
        self.database = Database(database_url)
        with self.database.writing() as session:
            articles.store(session, TEA)
        self.days_ahead = 0
        self.processes: list[subprocess.Popen[bytes]] = []
        self._clients: list[httpx2.Client] = []

    def start(self, *command: str) -> "subprocess.Popen[bytes]":
        """Run the command `forum` in a process of its own."""
        process = subprocess.Popen(
            [sys.executable, "-c", _COMMAND.format(days=self.days_ahead), *command],
            cwd=Path(__file__).parent.parent.parent,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self.processes.append(process)
        return process

    def serve(self, *options: str) -> "subprocess.Popen[bytes]":
        """Start the server and wait until it answers."""
        server = self.start("serve", *options)
        until(
            lambda: httpx2.get(self.address + "/healthz").status_code == 200, "the server answers"
        )
        return server

    def goes_ahead(self, days: int) -> None:
        """Stop the server; what starts from now on has a clock that is so many days ahead."""
        for process in self.processes:
            process.terminate()
            process.wait(PATIENCE)
        self.days_ahead += days
        self.database.clock = lambda: utc_now() + timedelta(days=self.days_ahead)

    def person(self, name: str, role: Role = Role.READER) -> httpx2.Client:
        """Make an account and return a client that is signed in with it."""
        with self.database.writing() as session:
            account = accounts.sign_up(session, name, password_hash=_HASH)
            account.role = role.value
            session.flush()
            token = accounts.sign_in(session, account.id)
        client = httpx2.Client(base_url=self.address, cookies={"forum": token}, timeout=PATIENCE)
        self._clients.append(client)
        return client

    def close(self) -> None:
        for client in self._clients:
            client.close()
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.communicate()
        self.database.close()


@pytest.fixture
def run(database_url: str) -> Iterator[Callable[..., Running]]:
    """Make a site with settings of its own; it is stopped at the end."""
    made: list[Running] = []

    def make(**settings: object) -> Running:
        made.append(Running(database_url, **settings))
        return made[-1]

    yield make
    for site in made:
        site.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=_CHROMIUM)
        yield browser
        browser.close()


def _chromium() -> str:
    for path in ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"):
        if Path(path).exists():
            return path
    raise AssertionError("The tests of pages need Chromium: apt-get install chromium")


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Open a browser window of one's own on a site; errors in its console fail the test."""
    contexts, problems = [], []

    def open_(site: Running, path: str = "/", **options: Any) -> Page:
        context = chromium.new_context(base_url=site.address, **options)
        context.set_default_timeout(PATIENCE * 1000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "console",
            lambda line: (
                problems.append(line.text)
                if line.type == "error"
                and "the server responded with a status of 4" not in line.text
                else None
            ),
        )
        page.goto(path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert problems == []
