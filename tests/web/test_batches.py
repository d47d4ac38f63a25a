"""Many cases decided as one act: chosen or all that match, looked at first, taken back as one."""

import re

import pytest
from sqlalchemy import func, select

from forum import accounts, bulk, comments
from forum.accounts import Role
from forum.errors import Changed
from forum.settings import read_settings
from forum.tables import Comment, Report
from forum.views import View
from moderation import claims, decisions, review_queue
from moderation.decisions import Kind
from moderation.policy import Status
from moderation.tables import Case, Decision, Notice, Place
from tests.people import words

FREE = read_settings(_env_file=None, comments_a_minute=100_000)
SLUG = "the-town-that-argues-about-tea"


@pytest.fixture
def holds(site, database):
    """Let comments with these words be held; gives their cases."""
    with database.writing() as session:
        author = accounts.sign_up(session, "Ann", password_hash="x")

    def hold(*said, by=author):
        found = []
        with database.writing() as session:
            for text in said:
                draft = comments.draft(text, settings=FREE)
                case_id = comments.post(session, SLUG, draft, author=by, settings=FREE).case_id
                decisions.decide(session, case_id, Kind.VERDICT, Status.HELD, version=1)
                found.append(case_id)
        return found

    return hold


@pytest.fixture
def five(holds):
    return holds(*(f"You fool number {n}." for n in range(5)))


@pytest.fixture
def mona(site):
    return site.person("Mona", Role.MODERATOR)


@pytest.fixture
def max_(site):
    return site.person("Max", Role.MODERATOR)


def chooses(person, *case_ids, version=2, **view):
    """Send the form of the queue with these cases ticked; the preview."""
    ticked = {f"case-{case_id}": version for case_id in case_ids}
    return person.sends("/review/batches", which="chosen", **ticked, **view)


def statuses(database, case_ids):
    with database.reading() as session:
        found = dict(
            session.execute(select(Case.id, Case.status).where(Case.id.in_(case_ids))).all()
        )
    return [found[case_id] for case_id in case_ids]


def test_chosen_cases_are_seen_once_more_and_then_decided_together(database, five, mona):
    page = chooses(mona, *five[:3])

    assert page.url.path == "/review/batches/1"
    assert "Decide 3 comments together" in words(page.text)
    assert "You fool number 2." in words(page.text)
    assert statuses(database, five) == [Status.HELD] * 5

    done = mona.sends(page.url.path, to="approve")

    assert "Approved 3 comments." in words(done.text)
    assert statuses(database, five) == [Status.PUBLISHED] * 3 + [Status.HELD] * 2
    with database.reading() as session:
        lines = session.scalars(select(Decision).where(Decision.kind == Kind.APPROVE)).all()
    assert [line.batch_id for line in lines] == [1, 1, 1]
    assert {line.actor for line in lines} == {mona.account_id}
    assert words(mona.opens("/review/log").text).count("in batch 1") == 3


def test_all_that_match_a_view_are_decided_and_nothing_else(site, database, holds, five, mona):
    ben = site.person("Ben")
    with database.writing() as session:
        others = session.get_one(accounts.Account, ben.account_id)
    (other,) = holds("You fool, says Ben.", by=others)

    page = mona.sends("/review/batches", which="all", author="Ann")
    mona.sends(page.url.path, to="reject", reason="harassment", words="A wave")

    assert statuses(database, five) == [Status.REJECTED] * 5
    assert statuses(database, [other]) == [Status.HELD]
    with database.reading() as session:
        told = session.scalar(select(func.count()).select_from(Notice))
    assert told == 5


def test_a_rejection_of_many_needs_a_reason_and_keeps_what_was_typed(five, mona):
    page = chooses(mona, *five)
    answer = mona.sends(page.url.path, to="reject", reason="", words="All of them")
    assert answer.status_code == 422
    assert "choose a reason" in words(answer.text)
    assert 'value="All of them"' in answer.text
    assert mona.sends(page.url.path, to="?").status_code == 422


def test_the_preview_counts_by_label_and_status(database, five, mona):
    with database.writing() as session:
        place = session.get_one(Place, five[0])
        place.insult, place.toxicity = 0.9, 0.7
        session.get_one(Place, five[1]).toxicity = 0.8
    page = words(mona.sends("/review/batches", which="all").text)
    assert "Insult 1" in page
    assert "Toxicity 1" in page
    assert "no score 3" in page
    assert "held 5" in page


def test_what_changed_or_is_open_elsewhere_is_left_and_named(database, five, mona, max_):
    max_.opens(f"/review/cases/{five[0]}")
    page = chooses(mona, *five)
    assert "Decide 4 comments together" in words(page.text)
    assert f"case {five[0]} (Max has it open)" in words(page.text)
    max_.sends(f"/review/cases/{five[1]}", to="approve", version=2)

    done = words(mona.sends(page.url.path, to="reject", reason="spam").text)

    assert "Rejected 3 comments. 2 left as they were." in done
    assert f"case {five[1]} (it changed meanwhile)" in done
    assert statuses(database, five) == [Status.HELD, Status.PUBLISHED] + [Status.REJECTED] * 3


def test_a_case_that_changed_since_it_was_chosen_is_no_part_of_the_batch(five, mona, max_):
    max_.sends(f"/review/cases/{five[0]}", to="approve", version=2)
    page = words(chooses(mona, *five[:2]).text)
    assert "Decide 1 comment together" in page
    refused = chooses(mona, five[0])
    assert refused.status_code == 422
    assert "changed meanwhile" in words(refused.text)
    assert "choose at least one case" in words(chooses(mona).text)


def test_a_batch_is_taken_back_in_one_act(database, five, mona, max_):
    with database.writing() as session:
        before = dict(session.execute(select(Place.case_id, Place.since)).all())
    page = chooses(mona, *five)
    mona.sends(page.url.path, to="reject", reason="spam")
    # Somebody has decided otherwise since: that stays.
    max_.sends(f"/review/cases/{five[0]}", to="approve", version=3)

    done = words(max_.sends(f"{page.url.path}/undo").text)

    assert "Taken back: 4 comments. 1 left as it was." in done
    assert "Taken back by Max" in done
    assert statuses(database, five) == [Status.PUBLISHED] + [Status.HELD] * 4
    with database.reading() as session:
        after = dict(session.execute(select(Place.case_id, Place.since)).all())
        told = session.scalars(select(Notice.decision_id)).all()
        undone = session.scalars(select(Decision.batch_id).where(Decision.kind == Kind.UNDO)).all()
    assert after == {case_id: before[case_id] for case_id in five[1:]}, "in their old places"
    assert len(told) == 2, "those taken back leave no notice"
    assert undone == [1] * 4
    assert max_.sends(f"{page.url.path}/undo").status_code == 409


def test_reports_are_answered_by_a_batch_and_open_again_when_it_is_undone(database, site, mona):
    ann, ben = site.person("Anna"), site.person("Ben")
    with database.writing() as session:
        author = session.get_one(accounts.Account, ann.account_id)
        draft = comments.draft("Milk first.", settings=FREE)
        posted = comments.post(session, SLUG, draft, author=author, settings=FREE)
        decisions.decide(session, posted.case_id, Kind.VERDICT, Status.PUBLISHED, version=1)
    ben.sends(f"/comments/{posted.id}/report", reason="spam", words="")

    page = mona.sends("/review/batches", which="all", show="reported")
    mona.sends(page.url.path, to="reject", reason="spam")
    assert statuses(database, [posted.case_id]) == [Status.REJECTED]
    mona.sends(f"{page.url.path}/undo")

    with database.reading() as session:
        assert session.scalars(select(Report)).one().answered_by_id is None
        assert session.get_one(Place, posted.case_id).reports == 1


def test_a_batch_that_was_killed_goes_on_or_is_taken_back(
    database, clock, holds, mona, monkeypatch
):
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    monkeypatch.setattr(bulk, "_LONG_ENOUGH", 60)
    case_ids = holds(*(f"You fool number {n}." for n in range(7)))
    page = chooses(mona, *case_ids)
    with database.writing() as session:
        moderator = session.get_one(accounts.Account, mona.account_id)
        bulk.start(session, 1, Kind.APPROVE, moderator=moderator)
        assert bulk.advance(session, 1)
    assert statuses(database, case_ids).count(Status.PUBLISHED) == 2
    assert "Go on" not in words(mona.opens(page.url.path).text), "it may still run"

    clock.turn(seconds=31)
    assert "It stands still" in words(mona.opens(page.url.path).text)
    mona.sends(page.url.path, to="on")

    while "Approved 7 comments." not in words(mona.opens(page.url.path).text):
        pass
    assert statuses(database, case_ids) == [Status.PUBLISHED] * 7

    mona.sends(f"{page.url.path}/undo")
    while "Taken back: 7 comments." not in words(mona.opens(page.url.path).text):
        pass
    assert statuses(database, case_ids) == [Status.HELD] * 7


def test_a_batch_half_run_is_taken_back_as_far_as_it_came(database, five, mona, monkeypatch):
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    monkeypatch.setattr(bulk, "_LONG_ENOUGH", 60)
    chooses(mona, *five)
    with database.writing() as session:
        moderator = session.get_one(accounts.Account, mona.account_id)
        bulk.start(session, 1, Kind.APPROVE, moderator=moderator)
        bulk.advance(session, 1)
        bulk.undo(session, 1, moderator=moderator)
        while bulk.advance(session, 1):
            pass
        assert not bulk.advance(session, 1)
        file = bulk.open_file(session, 1)
    assert (file.undone, file.waiting, file.batch.state) == (2, 3, bulk.State.UNDONE)
    assert statuses(database, five) == [Status.HELD] * 5


def test_a_batch_runs_once(database, five, mona):
    page = chooses(mona, *five)
    mona.sends(page.url.path, to="approve")
    assert mona.sends(page.url.path, to="reject", reason="spam").status_code == 409
    with database.writing() as session, pytest.raises(Changed):
        bulk.start(session, 1, Kind.APPROVE, moderator=session.get_one(accounts.Account, 1))
    assert statuses(database, five) == [Status.PUBLISHED] * 5


def test_appeals_and_decided_cases_are_no_batch(mona, five):
    for show in ("appeals", "published", "rejected"):
        answer = mona.sends("/review/batches", which="all", show=show)
        assert answer.status_code == 422
        assert 'name="which"' not in mona.opens("/review", show=show).text


def test_the_queue_has_a_box_for_each_case_and_batches_are_listed(five, mona):
    page = mona.opens("/review").text
    assert len(re.findall(r'type="checkbox" form="choose"', page)) == 5
    assert "Decide all 5 together" in words(page)
    assert (
        "nothing has been decided in a batch" in words(mona.opens("/review/batches").text).lower()
    )
    mona.sends(chooses(mona, *five[:1]).url.path, to="approve")
    assert "Mona : batch 1 Approved 1 comment." in words(mona.opens("/review/batches").text)


@pytest.mark.parametrize(
    "fields",
    [{"case-1": "x"}, {"case-1": "9" * 30}, {"case-999": "1"}, {"case-1": "-1"}, {"which": "?"}],
)
def test_whatever_is_sent_the_answer_is_words(five, mona, fields):
    answer = mona.sends("/review/batches", **fields)
    assert answer.status_code in (400, 422)
    assert "Back" in answer.text or "page" in words(answer.text)
    assert mona.opens("/review/batches/99").status_code == 404
    assert mona.sends("/review/batches/99", to="approve").status_code == 404
    assert mona.sends("/review/batches/99/undo").status_code == 404


def test_drafts_that_nobody_ran_are_forgotten(database, clock, five, mona):
    first = chooses(mona, *five).url.path
    clock.turn(days=2)
    chooses(mona, *five)
    assert mona.opens(first).status_code == 404


def test_a_batch_leaves_a_case_alone_that_somebody_opens_while_it_runs(database, five, mona, max_):
    page = chooses(mona, *five)
    with database.writing() as session:
        claims.take(session, five[4], holder=max_.account_id, lasts=comments.timedelta(minutes=5))
    done = words(mona.sends(page.url.path, to="approve").text)
    assert "Approved 4 comments. 1 left as it was." in done
    assert f"case {five[4]} (Max has it open)" in done


def test_the_view_is_what_the_batch_came_from(database, five, mona):
    with database.writing() as session:
        review_queue.reported(session, five[0], 1)
        assert session.scalar(select(func.count()).select_from(Comment)) == 5
    page = mona.sends("/review/batches", which="all", reported="1")
    assert "Decide 1 comment together" in words(page.text)
    assert 'href="/review?reported=1"' in page.text
    assert View.read({"reported": "1"}).reported
