"""Prepared statements give the same below SQLAlchemy as through it."""

import pytest
from sqlalchemy import bindparam, insert, select
from sqlalchemy.exc import IntegrityError

from forum.database import Database
from moderation.statements import Prepared
from moderation.tables import Case, ScoringJob, time_of

OPEN = Prepared(insert(Case).returning(Case.id, Case.opened_at))
QUEUE = Prepared(insert(ScoringJob))
FIND = Prepared(
    select(Case.text, Case.opened_at, Case.waiting_since, ScoringJob.attempts)
    .join(ScoringJob, ScoringJob.case_id == Case.id)
    .where(Case.text == bindparam("text"), Case.opened_at <= bindparam("now"))
    .limit(1)
)


def open_and_find(session):
    now = time_of(session)
    ((case, opened_at),) = OPEN(
        session, text="Tea?", revision=1, status="pending", version=1, author=1, context=1,
        opened_at=now, script="",
    )  # fmt: skip
    assert opened_at == now
    queue = {"case_id": case, "revision": 1, "attempts": 0, "last_error": ""}
    assert list(QUEUE(session, **queue, queued_at=now, ready_at=now)) == []
    (found,) = FIND(session, text="Tea?", now=now)
    assert tuple(found) == ("Tea?", now, None, 0)
    with pytest.raises(IntegrityError):
        QUEUE(session, **queue, queued_at=now, ready_at=now)


def test_a_statement_gives_the_same_on_each_way(database):
    with database.writing() as session:
        open_and_find(session)
        session.rollback()
    if database.is_sqlite:
        ((_, problem),) = database.write_together([open_and_find])
        assert problem is None


def test_a_glance_sees_the_last_commit_and_cannot_write(migrated_file, tmp_path):
    """On SQLite, where looks into an index run on the event loop."""
    file = tmp_path / "forum.db"
    file.write_bytes(migrated_file.read_bytes())
    database = Database(f"sqlite:///{file}")
    known = {"text": "Tea?", "now": database.clock()}
    glance = database.glance()
    assert list(FIND(glance(), **known)) == []

    database.write_together([open_and_find])

    known["now"] = database.clock()
    assert len(FIND(glance(), **known)) == 1
    with pytest.raises(Exception, match="readonly"):
        open_and_find(glance())
    database.close()
