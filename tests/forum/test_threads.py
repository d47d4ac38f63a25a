"""Reading threads: order, depth, gaps, pages; and what changes are told."""

import pytest

from forum import accounts, articles, comments, threads
from forum.settings import read_settings
from forum.threads import REPLIES_SHOWN, Order
from moderation import cases, decisions
from moderation.decisions import Kind
from moderation.policy import Status
from moderation.tables import Case
from tests.people import TEA

FREE = read_settings(_env_file=None, comments_a_minute=100_000)
SLUG = "the-town-that-argues-about-tea"


@pytest.fixture
def talk(database):
    """Post comments, published at once; gives the number of each."""
    with database.writing() as session:
        articles.store(session, TEA)
        author = accounts.sign_up(session, "Ann", password_hash="x")

    def post(*texts, to=None, status=Status.PUBLISHED):
        # Of several each answers the one before.
        with database.writing() as session:
            for text in texts:
                draft = comments.draft(text, settings=FREE)
                posted = comments.post(
                    session, SLUG, draft, parent_id=to, author=author, settings=FREE
                )
                decisions.decide(session, posted.case_id, Kind.VERDICT, status, version=1)
                to = posted.id
            return to

    return post


def read(database, **how):
    with database.reading() as session:
        return threads.read(session, SLUG, **how)


def test_replies_stand_below_what_they_answer_and_say_how_deep(database, talk):
    one = talk("One")
    two = talk("Two")
    below = talk("Below one", to=one)
    deeper = talk("Deeper", to=below)
    late = talk("Late below one", to=one)

    thread = read(database)

    assert [(c.id, c.depth) for c in thread.comments] == [
        (one, 0), (below, 1), (deeper, 2), (late, 1), (two, 0)
    ]  # fmt: skip
    newest = read(database, order=Order.NEWEST)
    assert [c.id for c in newest.comments if c.depth == 0] == [two, one]
    assert thread.total == 5


def test_a_chain_of_a_thousand_replies_is_read_without_recursion(database, talk):
    root = talk("Start")
    talk(*(f"Step {step}" for step in range(1000)), to=root)

    page = read(database)
    assert page.comments[0].more_replies == 1000 - REPLIES_SHOWN
    assert max(c.depth for c in page.comments) == REPLIES_SHOWN

    seen, after = [], None
    while True:
        alone = read(database, root=root, after=after)
        seen += [c.id for c in alone.comments if c.id != root]
        after = alone.next
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 1000


def test_a_place_is_kept_for_a_removed_comment_while_replies_stand(database, talk):
    gone = talk("Rude", status=Status.PUBLISHED)
    reply = talk("An answer", to=gone)
    lonely = talk("Rude as well", status=Status.REJECTED)
    with database.writing() as session:
        case = session.get_one(Case, 1)
        decisions.decide(
            session, case.id, Kind.REJECT, Status.REJECTED, version=case.version, actor=1
        )

    shown = read(database).comments

    assert [(c.id, c.gone) for c in shown] == [(gone, True), (reply, False)]
    assert lonely not in [c.id for c in shown]


def test_changes_are_told_once_and_to_the_right_thread(database, talk):
    with database.reading() as session:
        mark, told = threads.changes(session, None)
    assert told == []

    number = talk("One")
    with database.reading() as session:
        mark, told = threads.changes(session, mark)
    assert [(c.slug, c.comment_id, c.status) for c in told] == [(SLUG, number, "published")]

    with database.reading() as session:
        mark, told = threads.changes(session, mark)
    assert told == []


def test_a_transaction_that_commits_late_is_not_missed(database, talk):
    if database.is_sqlite:
        # One writer: what begins earlier commits earlier.
        assert database.writer.pool.size() == 1
        return
    with database.writing() as session:
        author = accounts.sign_up(session, "Slow", password_hash="x")
    with database.reading() as session:
        mark, _ = threads.changes(session, None)
    with database.writing() as slow:
        draft = comments.draft("Slow", settings=FREE)
        posted = comments.post(slow, SLUG, draft, author=author, settings=FREE)
        decisions.decide(slow, posted.case_id, Kind.VERDICT, Status.PUBLISHED, version=1)
        quick = talk("Quick")
        with database.reading() as session:
            mark, told = threads.changes(session, mark)
        assert [change.comment_id for change in told] == [quick]
    with database.reading() as session:
        mark, told = threads.changes(session, mark)
    assert [change.comment_id for change in told] == [posted.id]


def test_an_articles_change_and_a_new_disclaimer_are_told(database, talk, clock):
    from dataclasses import replace

    from forum import disclaimer

    with database.reading() as session:
        mark, _ = threads.changes(session, None)
    with database.writing() as session:
        articles.store(session, replace(TEA, body="Corrected."))
    with database.reading() as session:
        mark, told = threads.changes(session, mark)
    assert [change.slug for change in told] == [SLUG]

    with database.writing() as session:
        disclaimer.change(session, "New words.", author_id=1, based_on=1)
    with database.reading() as session:
        mark, told = threads.changes(session, mark)
    assert [change.slug for change in told] == [""], "every thread is meant"


def test_counts_are_counted(database, talk):
    for number in range(3):
        talk(f"Number {number}")
    talk("Rude", status=Status.HELD)
    with database.reading() as session:
        assert [o.comments for o in threads.overviews(session)] == [3]
        assert cases.records(session, [1])[1].held == 1
