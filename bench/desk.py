"""How long a moderator waits: every page of the desk and every decision, one after the other."""

import json
import os
import re
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

import httpx2
from sqlalchemy import create_engine, func, select, text

from bench import servers
from bench.load import LoadFailed
from bench.servers import Server, between, spent
from forum.database import Database
from forum.tables import Account, Article, Comment
from moderation.policy import Status
from moderation.tables import Case, Claim, Decision, Place

# Milliseconds that no page may take, at p99.
REACH = 100


@dataclass(frozen=True)
class Waited:
    """What one client waited for one kind of page, in milliseconds.

    `p50` and `p99` are without the time in which everything here was ready to go on and the
    machine did the work of others; `wall` is the p99 with it. `cpu` is what the server had of a
    processor, and PostgreSQL's own processes where it runs on this machine.
    """

    what: str
    p50: float
    p99: float
    wall: float
    cpu: float

    @property
    def met(self) -> bool:
        return self.p99 <= REACH


def waited(what: str, own: Sequence[float], took: Sequence[float], cpu: float) -> Waited:
    """Put together what was measured of several requests, `cpu` of all of them."""
    cuts = statistics.quantiles(own, n=100, method="inclusive")
    wall = statistics.quantiles(took, n=100, method="inclusive")[98]
    return Waited(what, cuts[49], cuts[98], wall, cpu / len(own))


def measure(url: str, token: str, *, times: int, matching: str = "") -> Iterator[Waited]:
    """Serve a made site and ask for everything that moderators ask for.

    With `matching`, a regular expression, only for what is called so; all decisions are called
    "decisions".
    """
    facts = _facts(url, times)
    with (
        servers.forum(url, worker=False) as server,
        _backends(url) as backends,
        httpx2.Client(
            base_url=server.address, cookies={"forum": token}, timeout=60, follow_redirects=True
        ) as client,
    ):
        watch = _Watch(server, backends, times)
        for what, paths in facts.pages.items():
            if re.search(matching, what):
                yield watch.timed(what, partial(_get_one_of, client, paths))
        event = "the first event: counts and claims"
        if re.search(matching, event):
            yield watch.timed(event, lambda _: _event(client))
        if re.search(matching, "decisions"):
            yield from _decisions(watch, client, facts)


class _Watch:
    """Asks for one thing again and again, and looks at the clock and at the processors."""

    def __init__(self, server: Server, backends: Callable[[], Sequence[int]], times: int) -> None:
        self._server, self._backends, self._times = server, backends, times

    def timed(self, what: str, ask: Callable[[int], object]) -> Waited:
        """Ask so many times, and once before that."""
        # What a server does once, at the first page of a kind, is no part of these figures.
        ask(0)
        processes = [self._server.process.pid, *self._backends()]
        took, own, cpu = [], [], 0.0
        for number in range(1, self._times):
            before, mine = spent(processes), spent([os.getpid()])
            began = time.perf_counter()
            ask(number)
            wall = (time.perf_counter() - began) * 1000
            working, waiting = between(before, spent(processes))
            waiting += between(mine, spent([os.getpid()]))[1]
            took.append(wall)
            # Threads may wait at the same time; no answer is quicker than its work.
            own.append(max(wall - waiting, min(working, wall)))
            cpu += working
        return waited(what, own, took, cpu)


@contextmanager
def _backends(url: str) -> Iterator[Callable[[], Sequence[int]]]:
    """Tell which processes of PostgreSQL serve a database; none of SQLite."""
    if url.startswith("sqlite"):
        yield lambda: ()
        return
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield lambda: [
            row[0]
            for row in connection.execute(
                text(
                    "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
                    " AND pid <> pg_backend_pid()"
                )
            )
        ]
    engine.dispose()


@dataclass(frozen=True)
class _Facts:
    """Where to go, by what it is; and free cases with their versions."""

    pages: dict[str, list[str]]
    free: list[tuple[int, int]]


def _facts(url: str, times: int) -> _Facts:
    database = Database(url)
    try:
        with database.reading() as session:
            waits = select(func.count()).select_from(Place).where(Place.status == Status.HELD)
            held = session.scalar(waits) or 0

            def deep(order: str) -> str:
                # Half-way down.
                key = Place.urgency if order == "harm" else Place.since
                down = key.asc() if order == "oldest" else key.desc()
                value: Any
                value, case = session.execute(
                    select(key, Place.case_id)
                    .where(Place.status == Status.HELD)
                    .order_by(down, Place.case_id)
                    .limit(1)
                    .offset(held // 2)
                ).one()
                return f"{repr(value) if order == 'harm' else value.isoformat()}~{case}"

            by_count = (
                select(Comment.author_id)
                .group_by(Comment.author_id)
                .order_by(func.count().desc(), Comment.author_id)
                .limit(times)
            )
            busy = list(session.scalars(by_count))
            names = dict(session.execute(select(Account.id, Account.name)).all())
            first = session.scalar(select(func.min(Comment.author_id))) or 0
            rare = max(names)
            newest = session.scalars(
                select(Article).order_by(Article.id.desc()).offset(5).limit(1)
            ).one()
            oldest = session.scalars(select(Article).order_by(Article.id).offset(5).limit(1)).one()
            comments = session.scalar(select(func.max(Case.id))) or 0
            lines = session.scalar(select(func.max(Decision.id))) or 0
            taken = select(Claim.case_id)
            waiting = session.execute(
                select(Place.case_id, Case.version)
                .join(Case, Case.id == Place.case_id)
                .where(Place.status == Status.HELD, Place.case_id.not_in(taken))
                .order_by(Place.urgency)
                .limit(4 * times)
            ).all()
            free = [(case, version) for case, version in waiting]
            sections = session.execute(
                select(Article.section_path, func.count())
                .group_by(Article.section_path)
                .order_by(func.count())
            ).all()
            rarest, commonest = sections[0][0], sections[-1][0]
            spread = [str(comments * n // times + 1) for n in range(times)]
            deep_by = {order: deep(order) for order in ("harm", "oldest", "newest")}
    finally:
        database.close()

    def q(at: str) -> list[str]:
        return [f"/review?{at}"]

    pages = {
        "queue: held, by harm": ["/review"],
        **{
            f"queue: held, {order}": q(f"order={order}") for order in ("oldest", "newest")
        },
        **{
            f"queue: held, {order}, half-way down": q(f"order={order}&after={quote(place)}")
            for order, place in deep_by.items()
        },
        **{
            f"queue: {show}": q(f"show={show}")
            for show in ("reported", "appeals", "published", "rejected")
        },
        "queue: published, half-way down": q(f"show=published&after={comments // 2}"),
        "queue: rejected, half-way down": q(f"show=rejected&after={comments // 2}"),
        "queue: a large section": q(f"section={commonest}"),
        "queue: a small section": q(f"section={rarest}"),
        "queue: a large section, oldest": q(f"section={commonest}&order=oldest"),
        "queue: an article": q(f"article={newest.slug}"),
        "queue: an article with nothing held": q(f"article={oldest.slug}"),
        "queue: the busiest author": q(f"author={quote(names[busy[0]])}"),
        "queue: an author without any": q(f"author={quote(names[rare])}"),
        "queue: threat from 0.9": q("label=threat&least=0.9"),
        "queue: threat from 0.9, newest": q("label=threat&least=0.9&order=newest"),
        "queue: any label up to 0.6": q("most=0.6"),
        "queue: no score matches": q("label=threat&least=0.30&most=0.3000001"),
        "queue: held for repeated text": q("held_for=repeated"),
        "queue: held for nothing there is": q("held_for=link"),
        "queue: waiting a day, newest": q("age=24&order=newest"),
        "queue: waiting three days": q("age=72"),
        "queue: reported": q("reported=1"),
        "queue: decided by me before": q("mine=1"),
        "queue: appeals, decided by me": q("show=appeals&mine=1"),
        "published: decided by me": q("show=published&mine=1"),
        "rejected: decided by me": q("show=rejected&mine=1"),
        "published: a large section": q(f"show=published&section={commonest}"),
        "published: a small section": q(f"show=published&section={rarest}"),
        "rejected: a small section": q(f"show=rejected&section={rarest}"),
        "published: an old article": q(f"show=published&article={oldest.slug}"),
        "published: the busiest author": q(f"show=published&author={quote(names[busy[0]])}"),
        "rejected: the busiest author": q(f"show=rejected&author={quote(names[busy[0]])}"),
        "rejected: an author without any": q(f"show=rejected&author={quote(names[rare])}"),
        "a case that waits": [f"/review/cases/{case}" for case, _ in free[:times]],
        "a case, of all there are": [f"/review/cases/{number}" for number in spread],
        "next case, by harm": ["/review/next"],
        "next case, oldest, half-way down": [
            f"/review/next?order=oldest&after={quote(deep_by['oldest'])}"
        ],
        "next case, the small section": [f"/review/next?section={rarest}"],
        "log": ["/review/log"],
        "log, half-way down": [f"/review/log?before={lines // 2}"],
        "log by people": ["/review/log?by=people"],
        "log by people, half-way down": [f"/review/log?by=people&before={lines // 2}"],
        "the busiest authors": [f"/review/authors/{person}" for person in busy],
        "authors as they come": [f"/review/authors/{first + n}" for n in range(times)],
        "acts": ["/review/acts"],
    }  # fmt: skip
    return _Facts(pages, free)


def _get_one_of(client: httpx2.Client, paths: Sequence[str], number: int) -> None:
    path = paths[number % len(paths)]
    answer = client.get(path)
    if answer.status_code != 200:
        raise LoadFailed(f"{path} was answered with {answer.status_code}.")


def _event(client: httpx2.Client) -> None:
    with client.stream("GET", "/review/events") as answer:
        for line in answer.iter_lines():
            if line.startswith("data:"):
                if not json.loads(line.removeprefix("data:"))["counts"]:
                    raise LoadFailed(f"An event without counts: {line}")
                return


def _decisions(watch: _Watch, client: httpx2.Client, facts: _Facts) -> Iterator[Waited]:
    as_json = {"accept": "application/json"}
    undo: list[str] = []
    cases = iter(facts.free)

    def decide(**fields: str) -> None:
        case, version = next(cases)
        answer = client.post(
            f"/review/cases/{case}", data={"version": str(version), **fields}, headers=as_json
        )
        if answer.status_code != 200:
            raise LoadFailed(f"A decision was answered with {answer.status_code}: {answer.text}")
        undo.append(answer.json()["undo"])

    def take_back(_: int) -> None:
        answer = client.post(undo.pop(), headers=as_json)
        if answer.status_code != 200:
            raise LoadFailed(f"Undo was answered with {answer.status_code}: {answer.text}")

    def by_form(_: int) -> None:
        case, version = next(cases)
        fields = {"version": str(version), "to": "approve", "after": f"0.0~{case}"}
        answer = client.post(f"/review/cases/{case}", data=fields)
        if answer.status_code != 200:
            raise LoadFailed(f"A decision was answered with {answer.status_code}.")

    yield watch.timed("approve", lambda _: decide(to="approve"))
    yield watch.timed("reject with a reason", lambda _: decide(to="reject", reason="harassment"))
    yield watch.timed("undo", take_back)
    yield watch.timed("approve by the form, and the next case", by_form)
