"""The status changes in one place, with its line of the log, once."""

import re
import threading

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import DBAPIError

from moderation import cases, decisions, review_queue
from moderation.decisions import Kind, NotScored, Stale
from moderation.policy import Status
from moderation.tables import Case, Decision


@pytest.fixture
def held(database):
    """A held case; its version is 2."""
    with database.writing() as session:
        case_id = cases.open_case(session, "You idiot.", author=1, context=1)
        decisions.decide(session, case_id, Kind.VERDICT, Status.HELD, version=1)
        return case_id


def test_a_decision_moves_the_case_and_writes_the_log_together(database, held):
    with database.writing() as session:
        decisions.decide(
            session, held, Kind.REJECT, Status.REJECTED, version=2, actor=7, reason="harassment"
        )

    with database.reading() as session:
        case = session.get_one(Case, held)
        line = cases.history(session, held)[-1]
    assert (case.status, case.version, case.waiting_since) == ("rejected", 3, None)
    assert (line.from_status, line.to_status, line.actor) == ("held", "rejected", 7)
    assert line.reason == "harassment"


def test_a_decision_on_an_older_version_is_refused_and_leaves_nothing(database, held):
    with database.writing() as session, pytest.raises(Stale):
        decisions.decide(session, held, Kind.APPROVE, Status.PUBLISHED, version=1)

    with database.reading() as session:
        assert session.get_one(Case, held).status == Status.HELD
        assert len(cases.history(session, held)) == 1


def test_of_many_moderators_at_once_one_is_recorded(database, held):
    gate, outcomes = threading.Barrier(12), []

    def moderate(actor):
        gate.wait()
        try:
            with database.writing() as session:
                decisions.decide(
                    session, held, Kind.APPROVE, Status.PUBLISHED, version=2, actor=actor
                )
            outcomes.append("recorded")
        except Stale:
            outcomes.append("refused")

    threads = [threading.Thread(target=moderate, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["recorded"] + ["refused"] * 11
    with database.reading() as session:
        people = select(func.count()).where(Decision.case_id == held, Decision.kind == "approve")
        assert session.scalar(people) == 1


def test_undo_puts_a_case_back_to_its_place_in_the_queue(database, held):
    with database.reading() as session:
        waiting_since = session.get_one(Case, held).waiting_since
    with database.writing() as session:
        made = decisions.decide(session, held, Kind.APPROVE, Status.PUBLISHED, version=2, actor=7)
    with database.writing() as session:
        decisions.undo(session, made.id, actor=7)

    with database.reading() as session:
        case = session.get_one(Case, held)
    assert (case.status, case.waiting_since) == (Status.HELD, waiting_since)


def test_a_decision_is_undone_once_and_only_while_it_is_the_last(database, held):
    with database.writing() as session:
        first = decisions.decide(session, held, Kind.APPROVE, Status.PUBLISHED, version=2, actor=7)
        decisions.undo(session, first.id, actor=7)
    with database.writing() as session, pytest.raises(Stale):
        decisions.undo(session, first.id, actor=7)


def test_what_the_policy_decided_is_not_undone_but_decided_anew(database, held):
    with database.reading() as session:
        verdict = cases.history(session, held)[0].id
    with database.writing() as session, pytest.raises(LookupError):
        decisions.undo(session, verdict, actor=7)


@pytest.mark.parametrize("verb", ["UPDATE decisions SET words = 'x'", "DELETE FROM decisions"])
def test_the_database_itself_keeps_the_log(database, held, verb):
    with pytest.raises(DBAPIError, match="append-only"), database.writing() as session:
        session.execute(text(verb))


def test_nothing_is_decided_on_a_withdrawn_text(database, held):
    with database.writing() as session:
        cases.withdraw(session, session.get_one(Case, held))
    with database.writing() as session, pytest.raises(Stale):
        decisions.decide(session, held, Kind.APPROVE, Status.PUBLISHED, version=3)


def test_a_report_brings_a_published_case_back_and_readers_still_see_it(database, held):
    with database.writing() as session:
        decisions.decide(session, held, Kind.APPROVE, Status.PUBLISHED, version=2, actor=7)
    with database.writing() as session:
        cases.report(session, session.get_one(Case, held), reporter=3, reason="spam")

    with database.reading() as session:
        case = session.get_one(Case, held)
        assert case.status == Status.PUBLISHED
        assert case.waiting_since is not None
        assert review_queue.counts(session) == {Status.PUBLISHED: 1}


def test_an_edit_makes_a_case_pending_with_a_new_revision(database, held):
    with database.writing() as session:
        cases.reopen(session, session.get_one(Case, held), "You dear.")

    with database.reading() as session:
        case = session.get_one(Case, held)
        assert (case.status, case.revision, case.text) == (Status.PENDING, 2, "You dear.")
        assert case.waiting_since is None


def test_a_report_is_not_lost_when_the_author_edits_twice(database, held):
    def judged(status):
        decisions.decide(session, held, Kind.VERDICT, status, version=case.version)
        session.refresh(case)

    with database.writing() as session:
        case = session.get_one(Case, held)
        decisions.decide(session, held, Kind.APPROVE, Status.PUBLISHED, version=2, actor=7)
        session.refresh(case)
        cases.report(session, case, reporter=9, reason="hate")
        session.refresh(case)
        cases.reopen(session, case, "You fool.")
        judged(Status.HELD)
        cases.reopen(session, case, "You know what you are.")
        judged(Status.PUBLISHED)

        assert case.waiting_since is not None


@pytest.mark.parametrize("kind", decisions.BY_PEOPLE)
def test_nobody_decides_before_a_case_is_scored(database, held, kind):
    with database.writing() as session:
        cases.reopen(session, session.get_one(Case, held), "You fool.")

    with database.writing() as session, pytest.raises(NotScored):
        decisions.decide(session, held, kind, Status.PUBLISHED, version=3, actor=7)

    with database.reading() as session:
        assert session.get_one(Case, held).status == Status.PENDING


@pytest.mark.parametrize("change", ["edit", "withdrawal"])
def test_an_author_takes_job_and_case_in_the_workers_order(database, held, change):
    written = []

    def note(_connection, _cursor, statement, *_rest):
        if found := re.match(r"(?:DELETE FROM|UPDATE) (\w+)", statement):
            written.append(found[1])

    event.listen(database.writer, "before_cursor_execute", note)
    with database.writing() as session:
        case = session.get_one(Case, held)
        if change == "edit":
            cases.reopen(session, case, "You are kind.")
        else:
            cases.withdraw(session, case)

    assert written[:2] == ["scoring_jobs", "cases"]


def test_only_decide_writes_a_status():
    """The rule of the house, read from its code."""
    import re
    from pathlib import Path

    house = Path(__file__).parent.parent.parent
    writers = [
        file.relative_to(house).as_posix()
        for package in ("forum", "moderation")
        for file in (house / package).rglob("*.py")
        if re.search(r"\.status = |\"status\": to|update\(Case\)", file.read_text())
    ]
    assert writers == ["moderation/decisions.py"]
