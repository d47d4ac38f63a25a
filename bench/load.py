"""Sends load to a server with wrk, and reads what came back."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.servers import Server

CONNECTIONS = 16
_SCRIPT = Path(__file__).with_name("load.lua")


class LoadFailed(Exception):
    """Something was not answered as it should be, so the figure would mean nothing."""


@dataclass(frozen=True)
class Answered:
    """What one run of wrk counted. Times in milliseconds, `cpu` of the server for each request."""

    requests: int
    rate: float
    size: float
    p50: float
    p99: float
    cpu: float
    see_other: int
    ok: int


def get(server: Server, path: str, *, seconds: float, gzip: bool = False) -> Answered:
    """Ask for one address again and again."""
    headers = ["-H", "Accept-Encoding: gzip"] if gzip else []
    return _wrk(server, path, seconds, headers, ["get"])


def get_cold(server: Server, path: str, *, seconds: float) -> Answered:
    """Ask for a page by addresses that nobody asked for before, so that none was kept."""
    return _wrk(server, path, seconds, [], ["cold"])


def get_signed_in(server: Server, path: str, tokens: Path, *, seconds: float) -> Answered:
    """Ask for one address by one signed-in account after the other."""
    return _wrk(server, path, seconds, [], ["as", str(tokens)])


def post(
    server: Server, paths: Sequence[str], tokens: Path, *, seconds: float, run: int, reads: int = 0
) -> Answered:
    """Post comments, each with a text of its own; before each, `reads` anonymous reads.

    Raises LoadFailed if one is answered by anything but 303.
    """
    return _wrk(
        server, "/", seconds, [], ["post", str(tokens), str(run), str(reads), *paths], posts=True
    )


def _wrk(
    server: Server,
    path: str,
    seconds: float,
    options: Sequence[str],
    load: Sequence[str],
    *,
    posts: bool = False,
) -> Answered:
    cpu = server.cpu_seconds()
    ran = subprocess.run(
        [
            "wrk", "--threads", "1", "--connections", str(CONNECTIONS),
            # wrk knows whole seconds only.
            "--duration", f"{max(1, round(seconds))}s", "--timeout", "20s", "--latency",
            "--script", str(_SCRIPT), *options, server.address + path, "--", *load,
        ],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    cpu = server.cpu_seconds() - cpu
    lines = [line for line in ran.stdout.splitlines() if line.startswith("RESULT ")]
    if not lines:
        raise LoadFailed(f"wrk broke:\n{ran.stdout}{ran.stderr}")
    said = json.loads(lines[0].removeprefix("RESULT "))
    if said["broken"] or said["refused"] or not said["requests"]:
        raise LoadFailed(f"{path} {' '.join(load[:1])}: not all was answered well: {said}")
    if posts and not said["see_other"]:
        raise LoadFailed(f"No comment was taken: {said}")
    return Answered(
        requests=said["requests"],
        rate=said["requests"] / (said["microseconds"] / 1e6),
        size=said["bytes"] / said["requests"],
        p50=said["p50"] / 1000,
        p99=said["p99"] / 1000,
        cpu=cpu * 1000 / said["requests"],
        see_other=said["see_other"],
        ok=said["ok"],
    )
