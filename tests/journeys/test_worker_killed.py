"""The worker is killed and restarted at random: nothing lost, nothing twice, nothing unscored."""

import random
import re
import signal
import time

from sqlalchemy import func, select

from forum.tables import Comment
from moderation.policy import Status
from moderation.tables import Case, Decision, Score, ScoringJob
from tests.journeys.conftest import THREAD, until

COMMENTS = 200


def test_two_hundred_comments_survive_a_worker_that_is_killed_at_random(run):
    site = run(lease_seconds=1, comments_a_minute=1000, score_at_once=4)
    site.serve("--no-worker")
    ann, stranger = site.person("Ann"), site.person("Bob")
    chance = random.Random(7)
    worker, killed = site.start("work"), 0

    def scored() -> int:
        with site.database.reading() as session:
            return session.scalar(select(func.count()).select_from(Score)) or 0

    for number in range(COMMENTS):
        answer = ann.post(f"{THREAD}/comments", data={"text": f"Comment number {number}, on tea."})
        assert answer.status_code == 303, answer.text
        if chance.random() < 0.05:
            # Only a worker that has begun can lose something.
            before = scored()
            until(
                lambda before=before: scored() > before or _nothing_pending(site),
                "the worker has begun",
            )
            worker.send_signal(signal.SIGKILL)
            worker.wait()
            killed += 1
            worker = site.start("work")
        if number % 20 == 0:
            page = stranger.get(f"{THREAD}?order=newest").text
            assert shown_unscored(site, page) == []
    until(lambda: scored() == COMMENTS, "every comment is scored")
    until(lambda: _nothing_pending(site), "every case is decided")
    worker.terminate()

    assert killed >= 5
    with site.database.reading() as session:
        count = select(func.count())
        assert session.scalar(count.select_from(Comment)) == COMMENTS
        assert session.scalar(count.select_from(Score)) == COMMENTS
        verdicts = select(Decision.case_id).where(Decision.kind == "verdict")
        assert len(session.scalars(verdicts).all()) == COMMENTS
        assert len(set(session.scalars(verdicts))) == COMMENTS
        assert session.scalar(count.select_from(ScoringJob)) == 0


def _nothing_pending(site) -> bool:
    with site.database.reading() as session:
        pending = select(func.count()).where(Case.status == Status.PENDING)
        return session.scalar(pending) == 0


def shown_unscored(site, page: str) -> list[int]:
    """Return the comments on a page that have no score yet."""
    shown = [int(number) for number in re.findall(r'id="comment-(\d+)"', page)]
    with site.database.reading() as session:
        known = set(
            session.scalars(
                select(Comment.id)
                .join(Case, Case.id == Comment.case_id)
                .join(Score, Score.case_id == Case.id)
            )
        )
    return [number for number in shown if number not in known]


def test_ctrl_c_stops_server_and_worker_at_once_with_live_readers(run):
    site = run()
    server = site.serve()
    reader = site.person("Ann")
    with reader.stream("GET", f"{THREAD}/events") as stream:
        assert stream.status_code == 200
        began = time.monotonic()
        server.send_signal(signal.SIGINT)
        server.wait(timeout=30)
    assert server.returncode == 0
    assert time.monotonic() - began < 5, "it does not wait for those who listen"


def test_a_reader_who_reconnects_misses_nothing(run):
    site = run()
    site.serve()
    ann = site.person("Ann")
    for text in ("Milk first.", "Tea first."):
        ann.post(f"{THREAD}/comments", data={"text": text})
    bob = site.person("Bob")
    until(lambda: "Tea first." in bob.get(THREAD).text, "both are published")

    heard = []
    with bob.stream("GET", f"{THREAD}/events", headers={"last-event-id": "0"}) as stream:
        for line in stream.iter_lines():
            if line.startswith("data:"):
                heard.append(line)
            if len(heard) == 2:
                break
    assert all('"published"' in line for line in heard)
