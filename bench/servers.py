"""Starts and stops what is measured: real servers, each in a process of its own."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

PATIENCE = 60.0  # seconds
_HOUSE = Path(__file__).parent.parent


class NotStarted(Exception):
    """A server did not come up; the message has what it said."""


# By thread, in nanoseconds so far: on a processor, and ready but waiting until one was free.
Spent = dict[str, tuple[int, int]]


def spent(processes: Iterable[int]) -> Spent:
    """What the threads of these processes had so far; those that are gone are left out."""
    found: Spent = {}
    for process in processes:
        for thread in Path(f"/proc/{process}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):
                working, waiting, _ = thread.read_text().split()
                found[thread.parent.name] = int(working), int(waiting)
    return found


def between(before: Spent, after: Spent) -> tuple[float, float]:
    """How many milliseconds threads worked, and waited for a processor, between two looks."""
    differences = [
        (working - before.get(thread, (0, 0))[0], waiting - before.get(thread, (0, 0))[1])
        for thread, (working, waiting) in after.items()
    ]
    return sum(each[0] for each in differences) / 1e6, sum(each[1] for each in differences) / 1e6


@dataclass(frozen=True)
class Server:
    """A running server."""

    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cpu_seconds(self) -> float:
        """Return the processor time that it has used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def bare() -> Iterator[Server]:
    """Serve the ready page."""
    port = _free_port()
    with _running([sys.executable, "-m", "bench.bare", str(port)], {}, port, "/healthz") as server:
        yield server


@contextmanager
def forum(url: str, *, worker: bool) -> Iterator[Server]:
    """Serve a site with `forum serve`."""
    port = _free_port()
    variables = {
        "FORUM_DATABASE": url,
        "FORUM_PORT": str(port),
        "FORUM_ADDRESS": f"http://127.0.0.1:{port}",
        "FORUM_WORKER": "yes" if worker else "no",
        # The load posts faster than any person may.
        "FORUM_COMMENTS_A_MINUTE": "1000000",
    }
    # This very code, whichever is installed.
    program = [sys.executable, "-c", "from forum.cli import main; main()", "serve"]
    # Without a worker the site is up, and says that nothing is being scored.
    wait_for = "/readyz" if worker else "/healthz"
    with _running(program, variables, port, wait_for) as server:
        yield server


@contextmanager
def _running(
    program: Sequence[str], variables: dict[str, str], port: int, path: str
) -> Iterator[Server]:
    known = {name: value for name, value in os.environ.items() if not name.startswith("FORUM_")}
    process = subprocess.Popen(
        program,
        cwd=_HOUSE,
        env=known | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        _wait(process, port, path)
        yield Server(port, process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _wait(process: "subprocess.Popen[bytes]", port: int, path: str) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        except (OSError, HTTPException):
            pass
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            assert process.stdout is not None
            said = process.stdout.read().decode(errors="replace")
            raise NotStarted(f"The server did not answer {path}:\n{said}")
        time.sleep(0.05)
