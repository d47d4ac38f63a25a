"""The page of the work: what came, what was decided, what waits, and how long a decision takes."""

import re
from datetime import UTC, timedelta

import pytest
from sqlalchemy import select

from forum import workload
from forum.accounts import Role
from forum.tables import WorkReach
from forum.web.workload import lasting
from moderation import claims
from moderation.tables import Place, Spent, time_of

IDIOT = "You stupid idiot, shut up."
THREAT = "I will kill you and your whole family."
TEA = "What a lovely cup of tea."


@pytest.fixture
def ann(site):
    return site.person("Ann")


@pytest.fixture
def mona(site):
    return site.person("Mona", Role.MODERATOR)


def load(database):
    with database.reading() as session:
        return workload.load(session, UTC)


def caught_up(database):
    behind = True
    while behind:
        with database.writing() as session:
            behind = workload.catch_up(session)
    with database.reading() as session:
        assert not workload.is_behind(session)


def told(found):
    """What does not hang on how far the log is counted."""
    return (found.hours, found.days, found.sections, found.grounds, found.day)


@pytest.fixture
def a_day(site, ann, mona, work, clock):
    """Cases that came and went in every way, over some hours."""
    ann.comments(IDIOT)
    ann.comments(THREAT)
    ann.comments(TEA)
    ann.comments(f"{IDIOT} Twice.")
    ann.comments(f"{IDIOT} Thrice.")
    work()
    clock.turn(hours=1)
    site.person("Bea").sends("/comments/3/report", reason="spam", words="")
    mona.rejects(IDIOT)
    ann.sends("/comments/4/delete")
    clock.turn(hours=2)
    ann.sends("/notices/1/appeal", words="It was a quotation.")
    case = mona.case_of(THREAT)
    mona.decides(case, "reject", reason="threat")
    mona.sends("/review/decisions/12/undo")
    clock.turn(hours=1)


def test_what_came_less_what_went_is_what_waits(database, a_day):
    with database.reading() as session:
        waiting = len(session.scalars(select(Place.case_id)).all())
    found = load(database)

    assert found.waiting == waiting
    assert found.day.arrived - found.day.decided - found.day.left == waiting
    assert found.day.left == 1
    assert [span.waiting for span in found.hours[:2]] == [waiting, waiting]
    assert found.hours[-1].waiting == 0
    assert sum(span.tally.arrived for span in found.hours) == found.day.arrived


def test_counted_by_the_hour_it_says_the_same(database, a_day, clock):
    before = load(database)
    caught_up(database)
    with database.reading() as session:
        reach = session.get_one(WorkReach, 1)
        assert reach.line > 0 and reach.hour <= time_of(session)

    assert told(load(database)) == told(before)


def test_what_was_counted_can_be_made_anew(database, a_day):
    caught_up(database)
    before = load(database)
    with database.writing() as session:
        workload.forget(session)
    caught_up(database)

    assert told(load(database)) == told(before)


def test_old_hours_are_not_kept(database, a_day, clock):
    caught_up(database)
    clock.turn(days=20)
    caught_up(database)

    found = load(database)
    assert found.day.arrived == 0 and not found.grounds
    assert found.waiting == found.hours[-1].waiting


def test_the_page_says_how_the_work_stands(mona, a_day):
    page = mona.reads("/review/workload")

    # In words of the day on which it is read, which no test turns.
    assert re.search(r"cases wait, the oldest since [^.]*12:00", page)
    assert "At that pace what waits now takes" in page
    assert "Life / Food" in page
    assert "The threshold of Insult" in page and "Reported by readers" in page
    assert "Mona" not in page.replace("Mona Notices", "")


def test_a_site_without_work_says_so(mona):
    page = mona.reads("/review/workload")

    assert "Nothing waits." in page
    assert "Nothing came to moderators in 14 days." in page
    assert "is not measured yet" in page


def test_readers_do_not_see_the_work(ann):
    assert ann.opens("/review/workload").status_code == 403


def test_a_decision_is_measured_from_opening_the_case_on(site, mona, ann, work, clock, database):
    for number, seconds in enumerate((10, 20, 60), start=1):
        ann.comments(f"{IDIOT} {number}")
        work()
        mona.opens(f"/review/cases/{number}")
        clock.turn(seconds=seconds - 5)
        # The script prolongs it.
        mona.sends(f"/review/cases/{number}/claim")
        clock.turn(seconds=5)
        mona.rejects(f"{IDIOT} {number}")

    with database.reading() as session:
        since = time_of(session) - timedelta(days=1)
        found = claims.seconds_per_decision(session, since=since)
        kept = {column.name for column in Spent.__table__.columns}
    assert (found.samples, found.median, found.mean) == (3, 20, 30)
    assert kept == {"id", "hour", "seconds"}
    assert "A decision takes 20 seconds" in mona.reads("/review/workload")


def test_nothing_is_measured_without_a_claim_or_of_who_went_away(mona, ann, work, clock, database):
    ann.comments(IDIOT)
    ann.comments(THREAT)
    work()
    mona.rejects(IDIOT)
    mona.opens("/review/cases/2")
    clock.turn(hours=2)
    mona.rejects(THREAT)

    with database.reading() as session:
        found = claims.seconds_per_decision(session, since=time_of(session) - timedelta(days=1))
    assert found == claims.SecondsPerDecision(0)


@pytest.mark.parametrize(
    ("time", "said"),
    [
        (timedelta(0), "0 seconds"),
        (timedelta(seconds=1), "1 second"),
        (timedelta(seconds=90), "1 minute 30 seconds"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(hours=26), "1 day 2 hours"),
        (timedelta(days=40, hours=3), "40 days"),
    ],
)
def test_a_time_is_said_in_two_units_at_most(time, said):
    assert lasting(time) == said
