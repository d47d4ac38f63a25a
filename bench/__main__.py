"""`python -m bench`: the table of ratios, each beside what is to be reached."""

import argparse
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx2
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import OperationalError

from bench import desk, keys, limits, load, newsroom, scoring, servers, simulation, site
from bench.desk import Waited
from bench.load import Answered
from bench.newsroom import Size
from bench.servers import Server
from bench.site import Copies

SHORT, LONG = 100, 10_000
# Posts go to threads that nobody reads meanwhile.
SIDES = 20


@dataclass(frozen=True)
class Figure:
    """One line of the table. `value` is a ratio where there is something to reach."""

    what: str
    measured: str
    value: float | None = None
    reach: float | None = None
    at_most: bool = False

    @property
    def met(self) -> bool | None:
        if self.value is None or self.reach is None:
            return None
        return self.value <= self.reach if self.at_most else self.value >= self.reach


PARTS = ("threads", "scoring", "desk", "keys", "simulation")
SERVER = "postgresql://postgres@127.0.0.1:5432/postgres"


def main() -> None:
    """Measure, and print the tables. Exit status 1 when something to reach was missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; else all")
    parser.add_argument("--quick", action="store_true", help="shorter runs, rougher figures")
    parser.add_argument(
        "--database", metavar="URL",
        help="a PostgreSQL server to measure threads on, else SQLite; the desk is measured on both",
    )  # fmt: skip
    parser.add_argument("--comments", type=int, help="how many the desk's site has, else 1,000,000")
    parser.add_argument("--held", type=int, help="how many of them are held, else 50,000")
    parser.add_argument(
        "--keep", metavar="FOLDER", type=Path, help="keep the desk's sites there for later runs"
    )
    parser.add_argument(
        "--on", choices=("sqlite", "postgresql"), help="measure the desk there alone, else on both"
    )
    parser.add_argument(
        "--matching", metavar="REGEX", default="",
        help="measure only what of the desk is called so; `decisions` are all decisions",
    )  # fmt: skip
    wanted = parser.parse_args()
    if unknown := set(wanted.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    parts = wanted.parts or PARTS
    missed = 0
    if "threads" in parts or "scoring" in parts:
        missed |= _site_and_scoring(wanted, parts)
    if "desk" in parts:
        missed |= _desk(wanted)
    if "keys" in parts:
        missed |= _keys(wanted)
    if "simulation" in parts:
        missed |= _simulation(wanted)
    sys.exit(missed)


def _site_and_scoring(wanted: argparse.Namespace, parts: Sequence[str]) -> int:
    figures: list[Figure] = []
    url = wanted.database or "sqlite://"
    if "threads" in parts:
        figures += _threads(wanted)
    if "scoring" in parts:
        _say("Scoring.")
        figures += [
            Figure(one.what, one.words, one.ratio, one.reach)
            for one in scoring.compare(rounds=3 if wanted.quick else 6)
        ]
    return _print(figures, _circumstances(url))


def _threads(wanted: argparse.Namespace) -> list[Figure]:
    seconds, rounds = (1.0, 3) if wanted.quick else (3.0, 5)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        copies = (
            site.PostgresCopies(wanted.database)
            if wanted.database
            else site.SqliteCopies(Path(folder))
        )
        sides = {f"side {n}": SHORT // 2 for n in range(SIDES)}
        _say(f"Making a site with threads of {SHORT} and {LONG:,} comments.")
        try:
            made = site.make(copies.template_url, {"short": SHORT, "long": LONG, **sides})
            tokens = Path(folder) / "tokens"
            tokens.write_text("\n".join(made.tokens) + "\n", encoding="ascii")
            paths = {name: f"/threads/{slug}" for name, slug in made.threads.items()}
            _say("Reading and posting, in turns with the bare route.")
            with servers.bare() as bare:
                with copies.copy() as url, servers.forum(url, worker=False) as ours:
                    figures += _against_bare(bare, ours, url, paths, tokens, seconds, rounds)
                _say("The same posts while a worker scores them.")
                figures += _with_worker(bare, copies, paths, tokens, seconds, rounds)
            _say("From POST to visible.")
            with copies.copy() as url, servers.forum(url, worker=True) as ours:
                figures += _visible(ours, paths["short"], made.tokens, 40 if wanted.quick else 200)
            _say("What the classifier may take.")
            with copies.copy() as url:
                figures += [
                    Figure(one.what, one.words, one.share, 1, at_most=True)
                    for one in limits.measure(
                        url, paths["short"], comments=100 if wanted.quick else 400
                    )
                ]
        finally:
            copies.close()
    return figures


def _desk(wanted: argparse.Namespace) -> int:
    size = Size(*((20_000, 1_000) if wanted.quick else (1_000_000, 50_000)))
    size = Size(wanted.comments or size.comments, wanted.held or size.held)
    found: dict[str, list[Waited]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, copies in _newsrooms(size, wanted, Path(folder), SERVER):
            _say(f"The desk on {name}: {size.comments:,} comments, {size.held:,} held.")
            with copies.copy() as url:
                tokens = newsroom.open_again(url)
                times = 30 if wanted.quick else 200
                rows = desk.measure(url, tokens[0], times=times, matching=wanted.matching)
                found[name] = list(rows)
            copies.close()
    return _print_waits(f"The desk at {size.comments:,} comments, {size.held:,} held", found)


def _keys(wanted: argparse.Namespace) -> int:
    size = Size(*((20_000, 1_000) if wanted.quick else (200_000, 10_000)))
    with tempfile.TemporaryDirectory() as folder:
        for _, copies in _newsrooms(size, wanted, Path(folder), ""):
            _say(f"From key press to the next case on screen, {size.held:,} held.")
            with copies.copy() as url:
                tokens = newsroom.open_again(url)
                times = 30 if wanted.quick else 200
                found = list(keys.measure(url, tokens[0], times=times))
            copies.close()
    return _print_waits(f"The browser at {size.held:,} held cases", {"SQLite": found})


def _simulation(wanted: argparse.Namespace) -> int:
    sizes = simulation.QUICK if wanted.quick else simulation.SIZES
    if wanted.comments:
        sizes = (max(2, wanted.comments // 10), wanted.comments)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = wanted.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        found = []
        for texts in sizes:
            _say(f"Simulating {texts:,} scored comments.")
            one = simulation.grown(texts, folder)
            found.append(one)
            figures += [
                Figure(
                    f"{texts:,} scored comments: to read, and to keep",
                    f"{one.read:.2f} s of CPU, {one.kept:.0f} MB kept, {one.peak:.0f} MB at worst",
                ),
                Figure(
                    f"{texts:,} scored comments: every handle, and a day",
                    f"{one.release:.0f} and {one.predict:.0f} ms of CPU",
                ),
            ]
        figures.append(
            Figure(
                "a text at the largest by one at the size before it",
                "of the time to read",
                simulation.growth(found),
                simulation.GROWTH,
                at_most=True,
            )
        )
        _say("Dragging a handle in the browser.")
        for texts in sizes[-1:]:
            moved = simulation.dragged(texts, folder, times=30 if wanted.quick else 200)
            figures.append(
                Figure(
                    f"{texts:,} scored comments: a handle moved, in the browser",
                    f"p50 {moved.p50:.0f} ms, p99 {moved.p99:.0f} ms;"
                    f" let go and counted {moved.release:.0f} ms",
                    moved.p99,
                    simulation.REACH,
                    at_most=True,
                )
            )
    return _print(figures, _circumstances("sqlite://"))


def _newsrooms(
    size: Size, wanted: argparse.Namespace, folder: Path, server: str
) -> Iterator[tuple[str, Copies]]:
    """Make the site on SQLite, and on PostgreSQL where a server answers."""
    _say(f"Making a newsroom's site with {size.comments:,} comments.")
    if wanted.keep:
        wanted.keep.mkdir(parents=True, exist_ok=True)
    if wanted.on != "postgresql" or not server:
        yield "SQLite", newsroom.copies_on_sqlite(size, wanted.keep or folder)
    if not server or wanted.on == "sqlite":
        return
    try:
        copies = newsroom.copies_on_postgres(
            size, wanted.database or server, keep=wanted.keep is not None
        )
    except OperationalError as problem:
        if wanted.database:
            raise
        _say(f"PostgreSQL is not measured: {problem.orig}")
        return
    yield "PostgreSQL", copies


def _print_waits(title: str, found: Mapping[str, Sequence[Waited]]) -> int:
    """Print what was waited for; rows by what, columns by database."""
    table = Table("measured", title=title, caption=_machine())
    for name in found:
        for column in (f"{name}: p50", "p99", "wall", "cpu"):
            table.add_column(column, justify="right")
    table.add_column("to reach")
    table.add_column("")
    for row in zip(*found.values(), strict=True):
        cells = [
            f"{value:.0f}" if value >= 10 else f"{value:.1f}"
            for one in row
            for value in (one.p50, one.p99, one.wall, one.cpu)
        ]
        met = "met" if all(one.met for one in row) else "MISSED"
        table.add_row(row[0].what, *cells, f"p99 ≤ {desk.REACH}", met)
    Console(width=150).print(table)
    return int(any(not one.met for each in found.values() for one in each))


def _against_bare(
    bare: Server,
    ours: Server,
    url: str,
    paths: dict[str, str],
    tokens: Path,
    seconds: float,
    rounds: int,
) -> Iterator[Figure]:
    sides = [f"{path}/comments" for name, path in paths.items() if name.startswith("side")]
    before = site.count_comments(url)
    with httpx2.Client(
        base_url=ours.address, cookies={"forum": tokens.read_text().split()[0]}
    ) as c:
        # What a server does once, at its first page, is no part of these figures.
        for path in paths.values():
            c.get(path)
    turns = _in_turns(
        rounds,
        lambda: load.get(bare, "/", seconds=seconds),
        # As browsers ask: compressed.
        anonymous=lambda _: load.get(ours, paths["short"], seconds=seconds, gzip=True),
        plain=lambda _: load.get(ours, paths["short"], seconds=seconds),
        signed=lambda _: load.get_signed_in(ours, paths["short"], tokens, seconds=seconds),
        cold=lambda _: load.get_cold(ours, paths["short"], seconds=seconds),
        long=lambda _: load.get(ours, paths["long"], seconds=seconds, gzip=True),
        signed_long=lambda _: load.get_signed_in(ours, paths["long"], tokens, seconds=seconds),
        cold_long=lambda _: load.get_cold(ours, paths["long"], seconds=seconds),
        post=lambda n: load.post(ours, sides, tokens, seconds=seconds, run=n),
    )
    taken = sum(run.see_other for _, run in turns["post"])
    stored = site.count_comments(url) - before
    # A comment may be stored whose answer wrk did not wait for at the end of a run.
    if not taken <= stored <= taken + rounds * load.CONNECTIONS:
        raise load.LoadFailed(f"{taken} comments were answered with 303, and {stored} stored.")

    yield Figure(
        "the bare route, 50 KB ready", _rate([b for each in turns.values() for b, _ in each])
    )
    for what, name, reach in (
        (f"thread of {SHORT}, anonymous, unchanged", "anonymous", 0.35),
        (f"thread of {SHORT}, the same, not compressed", "plain", None),
        (f"thread of {SHORT}, signed in", "signed", 0.08),
        (f"thread of {SHORT}, not kept", "cold", None),
        (f"first page of {LONG:,}, anonymous, unchanged", "long", 0.35),
        (f"first page of {LONG:,}, signed in", "signed_long", 0.08),
        (f"first page of {LONG:,}, not kept", "cold_long", None),
        ("posting a comment, durably, the worker elsewhere", "post", 0.08),
    ):
        yield Figure(what, _rate([run for _, run in turns[name]]), _ratio(turns[name]), reach)
    for what, long, short in (
        ("anonymous, unchanged", "long", "anonymous"),
        ("signed in", "signed_long", "signed"),
        ("not kept", "cold_long", "cold"),
    ):
        costly, cheap = (_median([run for _, run in turns[name]], "cpu") for name in (long, short))
        yield Figure(
            f"cost of {LONG:,} by cost of {SHORT}, {what}",
            f"{costly:.2f} ms by {cheap:.2f} ms of CPU",
            costly / cheap,
            1.3,
            at_most=True,
        )


def _with_worker(
    bare: Server, copies: Copies, paths: dict[str, str], tokens: Path, seconds: float, rounds: int
) -> Iterator[Figure]:
    """Each run on a site of its own: what the last one left to score would slow the next."""
    sides = [f"{path}/comments" for name, path in paths.items() if name.startswith("side")]

    def on_its_own_site(run: int, reads: int) -> Answered:
        with copies.copy() as url, servers.forum(url, worker=True) as ours:
            return load.post(ours, sides, tokens, seconds=seconds, run=run, reads=reads)

    turns = _in_turns(
        rounds,
        lambda: load.get(bare, "/", seconds=seconds),
        post=lambda n: on_its_own_site(n, reads=0),
        mixed=lambda n: on_its_own_site(rounds + n, reads=19),
    )
    for what, name in (
        ("posting while the worker inside scores what is posted", "post"),
        ("95 reads and 5 posts, the worker inside", "mixed"),
    ):
        yield Figure(what, _rate([run for _, run in turns[name]]), _ratio(turns[name]))


def _visible(ours: Server, path: str, tokens: Sequence[str], how_many: int) -> Iterator[Figure]:
    """From sending a comment until a reader who is not signed in gets it, one after the other."""
    took = []
    with (
        httpx2.Client(base_url=ours.address) as author,
        httpx2.Client(base_url=ours.address) as reader,
    ):
        for number in range(how_many):
            author.cookies.set("forum", tokens[number])
            text = f"The benches by the river were painted again, number {number} of them."
            began = time.perf_counter()
            answer = author.post(f"{path}/comments", data={"text": text})
            if answer.status_code != 303:
                raise load.LoadFailed(f"A comment was answered with {answer.status_code}.")
            while text not in reader.get(f"{path}?order=newest").text:
                if time.perf_counter() - began > 30:
                    raise load.LoadFailed("A comment was not to be seen within 30 seconds.")
            took.append((time.perf_counter() - began) * 1000)
    cuts = statistics.quantiles(took, n=100, method="inclusive")
    yield Figure(
        f"from POST to visible, {how_many} comments",
        f"p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms",
    )


# A run on the bare route, and one of ours right after it.
Turn = tuple[Answered, Answered]


def _in_turns(
    rounds: int, bare: Callable[[], Answered], **loads: Callable[[int], Answered]
) -> dict[str, list[Turn]]:
    """Run each load once a round, each after the bare route, so that both meet the same machine."""
    turns: dict[str, list[Turn]] = {name: [] for name in loads}
    for number in range(rounds):
        for name, run in loads.items():
            turns[name].append((bare(), run(number)))
    return turns


def _median(runs: Sequence[Answered], what: str) -> float:
    return float(statistics.median(getattr(run, what) for run in runs))


def _ratio(turns: Sequence[Turn]) -> float:
    return statistics.median(run.rate / bare.rate for bare, run in turns)


def _rate(runs: Sequence[Answered]) -> str:
    return (
        f"{_median(runs, 'rate'):,.0f}/s, p99 {_median(runs, 'p99'):.0f} ms,"
        f" {_median(runs, 'cpu'):.2f} ms of CPU"
    )


def _circumstances(url: str) -> str:
    database = (
        f"SQLite {sqlite3.sqlite_version}, synchronous=FULL"
        if url.startswith("sqlite")
        else "PostgreSQL"
    )
    return f"{database}, {_machine()}; wrk with {load.CONNECTIONS} connections, medians"


def _machine() -> str:
    return (
        f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[1]:.1f}"
    )


def _print(figures: Sequence[Figure], circumstances: str) -> int:
    table = Table("measured", "figure", "ratio", "to reach", "", caption=circumstances)
    for figure in figures:
        sign = "≤" if figure.at_most else "≥"
        table.add_row(
            figure.what,
            figure.measured,
            "" if figure.value is None else f"{figure.value:.3g}",
            "" if figure.reach is None else f"{sign} {figure.reach}",
            {True: "met", False: "MISSED", None: ""}[figure.met],
        )
    Console(width=150).print(table)
    return int(any(figure.met is False for figure in figures))


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
