"""Pages that are kept in memory show each viewer what a page made for them alone would show."""

import asyncio
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from forum import accounts
from forum.database import Database
from forum.errors import Invalid
from forum.web.live import Live
from forum.web.writer import Writer
from moderation.statements import DRIVER
from moderation.tables import time_of
from moderation.worker import Worker

TEA = "/threads/the-town-that-argues-about-tea"


def _run(act):
    """Run in a loop of its own; the browsers' tests leave theirs running in this thread."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(act())).result()


@pytest.fixture
def ann(site):
    return site.person("Ann")


@pytest.fixture
def bob(site):
    return site.person("Bob")


def test_a_readers_page_is_the_same_from_memory_and_made_anew(site, ann, work):
    visitor = site.person("Zoë O'Neil-Smith")

    for said in ("", "Milk goes in first.", "Never."):
        if said:
            ann.comments(said)
            work()
        made_anew = visitor.opens(TEA, nothing="known").text
        assert said in made_anew
        assert "Zoë O&#39;Neil-Smith" in made_anew
        # Twice: the first of them cuts the frame.
        assert visitor.opens(TEA).text == made_anew
        assert visitor.opens(TEA).text == made_anew


def test_each_reader_finds_the_own_name_on_a_kept_page(site, ann, bob):
    other = site.person("Cleo")
    assert "Cleo" in other.reads()

    page = bob.reads()

    assert bob.name in page
    assert "Cleo" not in page


def test_what_is_the_readers_own_comes_on_top_of_a_kept_page(site, ann, bob, work):
    ann.comments("Milk goes in first.")
    work()
    assert bob.sees("Milk goes in first.")

    bob.replies("Last, surely.", to="Milk goes in first.")

    assert bob.sees("Last, surely.")
    assert bob.sees("waiting to be checked")
    assert ann.cannot_see("Last, surely.")


def test_of_acts_committed_together_one_that_is_refused_leaves_nothing(database, site):
    """Each is a transaction of its own to whoever asked for it."""
    writer = Writer(database, site.state.live)

    def come(name):
        return lambda session: accounts.come_as_guest(session, name).id

    def come_and_break(session):
        accounts.come_as_guest(session, "Nobody")
        raise Invalid("Not today.")

    async def at_once():
        return await asyncio.gather(
            writer.write(come("First")),
            writer.write(come_and_break),
            writer.write(come("Second")),
            return_exceptions=True,
        )

    first, refused, second = _run(at_once)

    assert isinstance(refused, Invalid)
    with database.reading() as session:
        names = accounts.names(session, set(range(1, max(first, second) + 3)))
    assert (names[first], names[second]) == ("First", "Second")
    assert "Nobody" not in names.values()


def test_who_asks_a_moment_later_is_in_the_same_commit(migrated_file, tmp_path):
    """On SQLite, where each waits for the disk as long."""
    database = Database(f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'forum.db')}")
    writer = Writer(database, Live(database))

    async def ask(turns):
        for _ in range(turns):
            await asyncio.sleep(0)
        return await writer.write(time_of)

    async def at_once():
        return await asyncio.gather(ask(0), ask(3), ask(6))

    assert len(set(_run(at_once))) == 1
    database.close()


def test_what_one_act_has_read_is_read_anew_by_the_next(migrated_file, tmp_path):
    """On SQLite, where many are committed together."""
    database = Database(f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'forum.db')}")
    ((guest, _),) = database.write_together(
        [lambda session: accounts.come_as_guest(session, "Ann")]
    )

    def look(session):
        session.info["looked"] = session.info.get("looked", 0) + 1
        return accounts.get(session, guest.id), session.info["looked"]

    def rename(session):
        driver = session.info[DRIVER]
        driver.execute("UPDATE accounts SET name = 'Bob' WHERE id = ?", [guest.id])

    ((before, _), _, (after, _)) = database.write_together([look, rename, look])

    assert (before[0].name, after[0].name) == ("Ann", "Bob")
    assert before[1] == after[1] == 1
    database.close()


def test_when_the_commit_fails_nobody_is_told_that_it_was_kept(migrated_file, tmp_path):
    """On SQLite, where commits are gathered."""
    file = shutil.copy(migrated_file, tmp_path / "forum.db")
    database = Database(f"sqlite:///{file}")
    writer = Writer(database, Live(database))

    def lose_everything(session):
        accounts.come_as_guest(session, "Third")
        # What a full disk does: the whole transaction is gone.
        session.connection().connection.driver_connection.execute("ROLLBACK")
        raise OSError("No space left on device.")

    async def at_once():
        return await asyncio.gather(
            writer.write(lambda session: accounts.come_as_guest(session, "First").id),
            writer.write(lose_everything),
            writer.write(lambda session: accounts.come_as_guest(session, "Second").id),
            return_exceptions=True,
        )

    answers = _run(at_once)

    assert all(isinstance(answer, Exception) for answer in answers)
    with database.reading() as session:
        assert accounts.names(session, set(range(20))) == {}
    database.close()


def test_an_own_comment_is_never_missing_while_it_is_published(
    site, database, ann, bob, classifier
):
    ann.comments("Milk goes in first.")
    # The page is kept, and a worker elsewhere publishes: nobody here has heard of it.
    bob.reads()
    Worker(database.writing, classifier).round()

    assert ann.sees("Milk goes in first.")


def test_an_own_reply_is_shown_once_while_it_is_published(site, database, ann, bob, classifier):
    elsewhere = Worker(database.writing, classifier)
    ann.comments("Milk goes in first.")
    elsewhere.round()
    site.state.live.look()
    bob.replies("Last, surely.", to="Milk goes in first.")
    elsewhere.round()

    assert bob.reads().count("Last, surely.") == 1
