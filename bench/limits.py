"""What the classifier may take at most: a comment's time, the event loop's, start-up, memory.

These limits are absolute, so each figure comes as its share of the limit, and times of the
classifier are those of the processor; what a clock on the wall says stands beside.
"""

import asyncio
import contextlib
import http.client
import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import words

# Pages that a reader asks for in a second, while comments are scored: every tenth is not kept.
PAGES = 100
_HOUSE = Path(__file__).parent.parent


@dataclass(frozen=True)
class Limit:
    """What was measured, in words, and how much of what is allowed that is."""

    what: str
    words: str
    share: float


def measure(url: str, path: str, *, comments: int) -> Iterator[Limit]:
    """Measure on a made site with a thread at `path`; this many comments are scored."""
    found = json.loads(_run("beside", url, path, str(comments)).splitlines()[-1])
    yield Limit(
        "a single comment, while the site serves pages; at most 10 ms",
        f"{found['cpu']:.1f} ms of CPU, {found['wall']:.1f} ms on the wall (medians)",
        found["cpu"] / 10,
    )
    yield Limit(
        "lag of the event loop meanwhile; p99 at most 20 ms",
        f"p99 {found['lag']:.1f} ms; of a bare loop beside it {found['bare_lag']:.1f} ms",
        found["lag"] / 20,
    )
    yield Limit(
        "memory of the server with its worker; at most 250 MB",
        f"{found['resident']:.0f} MB resident",
        found["resident"] / 250,
    )
    yield from _start()
    explained = json.loads(_run("explain"))
    yield Limit(
        "forum explain, 60 words; at most 150 ms",
        f"{explained['cpu']:.0f} ms of CPU, {explained['wall']:.0f} ms on the wall (medians)",
        explained["cpu"] / 150,
    )


def _run(*arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "bench.limits", *arguments],
        cwd=_HOUSE,
        env={name: value for name, value in os.environ.items() if not name.startswith("FORUM_")},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout


def _start() -> Iterator[Limit]:
    """From the start of `forum score` to its end, where no site is."""
    wall, cpu, resident = [], [], []
    command = [sys.executable, "-c", "from forum.cli import main; main()", "score", "Tea, please."]
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(5):
            began = time.perf_counter()
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={"PYTHONPATH": str(_HOUSE), "PATH": os.environ["PATH"]},
                stdout=subprocess.DEVNULL,
            )
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                raise RuntimeError("forum score failed.")
            wall.append(time.perf_counter() - began)
            cpu.append(used.ru_utime + used.ru_stime)
            resident.append(used.ru_maxrss / 1024)
    seconds = statistics.median(cpu)
    yield Limit(
        "forum score, from its start to the score; at most 1.5 s",
        f"{seconds:.2f} s of CPU, {statistics.median(wall):.2f} s on the wall,"
        f" {statistics.median(resident):.0f} MB at most",
        seconds / 1.5,
    )


async def _beside(url: str, path: str, comments: int) -> dict[str, float]:
    import uvicorn

    from bench.site import settings_for
    from forum.app import create_app

    app = create_app(settings_for(url))
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, http="httptools", loop="asyncio", access_log=False,
        log_config=None,
    )  # fmt: skip
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    scoring = app.state.forum.scoring
    while not server.started or scoring.worker is None:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    program = [sys.executable, "-m", "bench.limits"]
    reader = subprocess.Popen([*program, "read", str(port), path])  # noqa: ASYNC220
    bare = subprocess.Popen([*program, "lag"], stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220
    # Until the pages that can be kept are.
    await asyncio.sleep(1)
    lags: list[float] = []
    probe = asyncio.create_task(_lag(lags))
    wall, cpu = await asyncio.to_thread(_one_by_one, scoring.classifier(), comments)
    probe.cancel()
    reader.terminate()
    bare.terminate()
    resident = _resident()
    if reader.wait() != -15:
        raise RuntimeError("Not all pages were served.")
    bare_lags = [float(line) for line in bare.communicate()[0].splitlines()]
    server.should_exit = True
    await serving
    return {
        "wall": statistics.median(wall),
        "cpu": statistics.median(cpu),
        "lag": _p99(lags),
        "bare_lag": _p99(bare_lags),
        "resident": resident,
    }


def _one_by_one(classifier: Any, comments: int) -> tuple[list[float], list[float]]:
    """Score comments one after the other, with the pauses that let them be single."""
    dice = random.Random(5)
    wall, cpu = [], []
    for _ in range(comments):
        text = words.comment(dice)
        began, used = time.perf_counter(), time.thread_time()
        classifier.score([text])
        wall.append((time.perf_counter() - began) * 1000)
        cpu.append((time.thread_time() - used) * 1000)
        time.sleep(0.03)
    return wall, cpu


async def _lag(lags: list[float]) -> None:
    """Note by how many milliseconds the loop comes late to a pause that is over."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(0.005)
        lags.append((time.perf_counter() - began - 0.005) * 1000)


async def _print_lags() -> None:
    lags: list[float] = []
    probe = asyncio.create_task(_lag(lags))
    for at in itertools.count():
        await asyncio.sleep(0.2)
        for lag in lags:
            print(f"{lag:.3f}")
        print(end="", flush=True)
        lags.clear()
        if probe.done() or at > 3000:
            return


def _read(port: int, path: str) -> None:
    """Read a thread's page, some times a second; every tenth by an address that is not kept."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for number in itertools.count():
        began = time.perf_counter()
        connection.request("GET", f"{path}?start={number}" if number % 10 == 0 else path)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}.")
        time.sleep(max(0.0, 1 / PAGES - (time.perf_counter() - began)))


def _explain() -> dict[str, float]:
    from moderation.explain import explain
    from moderation.loading import load_classifier

    classifier = load_classifier()
    dice = random.Random(7)
    wall, cpu = [], []
    for _ in range(12):
        given = " ".join(words.comment(dice, length=500).split()[:59]) + " idiots."
        began, used = time.perf_counter(), time.process_time()
        explain(classifier, given, classifier.labels)
        wall.append((time.perf_counter() - began) * 1000)
        cpu.append((time.process_time() - used) * 1000)
    return {"wall": statistics.median(wall[2:]), "cpu": statistics.median(cpu[2:])}


def _resident() -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (line,) = [line for line in lines if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024


def _p99(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[98]


def main(task: str, *arguments: str) -> None:
    """Do one part of the measuring, in this process."""
    if task == "beside":
        url, path, comments = arguments
        print(json.dumps(asyncio.run(_beside(url, path, int(comments)))))
    elif task == "explain":
        print(json.dumps(_explain()))
    elif task == "read":
        _read(int(arguments[0]), arguments[1])
    else:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_print_lags())


if __name__ == "__main__":
    main(*sys.argv[1:])
