"""The wheel is the whole program: installed elsewhere, it sets up a site and serves a thread."""

import importlib.metadata
import os
import re
import signal
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import httpx2
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).parent.parent
STOPS_WITHIN = 2.0  # seconds
PATIENCE = 60.0  # seconds, for a busy machine


@dataclass(frozen=True)
class Installed:
    """A clean environment that has the wheel, and an empty folder elsewhere."""

    environment: Path
    folder: Path
    port: int

    @property
    def python(self) -> Path:
        return self.environment / "bin" / "python"

    @property
    def variables(self) -> dict[str, str]:
        address = f"http://127.0.0.1:{self.port}"
        return {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.folder),
            "FORUM_PORT": str(self.port),
            "FORUM_ADDRESS": address,
        }

    def run(self, *command: str) -> str:
        program = self.environment / "bin" / command[0]
        return subprocess.run(
            [program, *command[1:]],
            cwd=self.folder,
            env=self.variables,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    @contextmanager
    def running(self, *command: str) -> Iterator["subprocess.Popen[str]"]:
        program = self.environment / "bin" / command[0]
        process = subprocess.Popen(
            [program, *command[1:]],
            cwd=self.folder,
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    made = tmp_path_factory.mktemp("wheel")
    _call("-m", "build", "--wheel", "--no-isolation", "--outdir", made / "dist", REPOSITORY)
    (wheel,) = (made / "dist").iterdir()
    environment = made / "environment"
    venv.create(environment, symlinks=True)
    _link_what_the_wheel_needs(wheel, environment)
    pip = ("-m", "pip", "--python", environment / "bin" / "python")
    _call(*pip, "install", "--no-deps", "--no-index", wheel)
    _call(*pip, "check")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (made / "elsewhere").mkdir()
    return Installed(environment, made / "elsewhere", port)


def _call(*arguments: str | Path) -> None:
    ran = subprocess.run(
        [sys.executable, *arguments],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout


def _link_what_the_wheel_needs(wheel: Path, environment: Path) -> None:
    """Link the packages that the wheel names, and those that they name, and nothing else.

    They are the same as an installation would fetch; fetching them takes minutes and a network.
    The repository is not among them, nor is what only its tests need.
    """
    (target,) = environment.glob("lib/python*/site-packages")
    (about,) = importlib.metadata.distributions(path=[str(wheel)])
    wanted = [(requirement, "") for requirement in about.requires or []]
    seen = set()
    while wanted:
        line, extra = wanted.pop()
        requirement = Requirement(line)
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        package = importlib.metadata.distribution(name)
        for one in ("", *requirement.extras):
            if (name, one) not in seen:
                seen.add((name, one))
                wanted += [(needed, one) for needed in package.requires or []]
        for top in {file.parts[0] for file in package.files or []} - {"..", "__pycache__"}:
            link = target / top
            if not link.exists():
                link.symlink_to(str(package.locate_file(top)))


def _until(condition: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        if process.poll() is not None:
            raise AssertionError(f"It ended: {process.communicate()[0]}")
        assert time.monotonic() < end, "It took too long."
        time.sleep(0.05)


def _is_ready(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/readyz").status_code == 200
    except httpx2.TransportError:
        return False


def _interrupt(process: "subprocess.Popen[str]") -> str:
    """Press Ctrl-C; return what was printed until it stopped."""
    process.send_signal(signal.SIGINT)
    # Where every core has three programs to run, this takes three times as long as well.
    crowded = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    printed, _ = process.communicate(timeout=STOPS_WITHIN * crowded)
    return printed


def test_the_wheel_stands_alone(installed: Installed) -> None:
    program = (
        "import sys, forum, moderation\n"
        "print(forum.__file__, moderation.__file__, *sys.path, sep='\\n')"
    )
    where = installed.run("python", "-c", program).splitlines()

    assert all(Path(file).is_relative_to(installed.environment) for file in where[:2])
    assert not any(Path(place).is_relative_to(REPOSITORY) for place in where if place)


def test_a_thread_is_served_from_any_folder_and_ctrl_c_ends_it_at_once(
    installed: Installed,
) -> None:
    said = installed.run("forum", "setup")
    assert "One-time password: " in said
    address = installed.variables["FORUM_ADDRESS"]

    with installed.running("forum", "serve") as server:
        _until(lambda: _is_ready(address), server)
        front = httpx2.get(address).text
        (thread,) = set(re.findall(r'href="(/threads/[^"/?#]+)"', front))
        page = httpx2.get(address + thread).text
        assert "Night market moves into the old tram depot" in page
        assert "do not necessarily represent" in page

        with _live(f"{thread}/events", installed.port):
            printed = _interrupt(server)

    assert server.returncode == 0, printed
    assert "Traceback" not in printed
    # What uvicorn says of a connection that it cut off, or waited for in vain.
    assert "without completing" not in printed
    assert "graceful shutdown exceeded" not in printed


@contextmanager
def _live(stream: str, port: int) -> Iterator[None]:
    """Hold open a connection over which live updates come."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(f"GET {stream} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        answer = connection.recv(4096)
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"text/event-stream" in answer
        yield


def test_the_worker_alone_stops_at_ctrl_c_too(installed: Installed) -> None:
    installed.run("forum", "setup")

    with installed.running("forum", "work") as worker:
        assert worker.stdout is not None
        # A model that is being loaded is waited for.
        begins = list(takewhile(lambda line: "detoxify-mini" not in line, worker.stdout))
        assert worker.poll() is None, begins
        printed = _interrupt(worker)

    assert worker.returncode == 0, printed
    assert "Traceback" not in printed
