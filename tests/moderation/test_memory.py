"""What is kept in memory is what would be read, whatever came since."""

from dataclasses import fields

import numpy as np
import pytest

from moderation import cases, decisions, history, memory, policies
from moderation.decisions import Kind
from moderation.history import REMOVE, History
from moderation.memory import Memory
from moderation.policy import Status
from moderation.tables import Case
from moderation.worker import Worker


@pytest.fixture
def work(database, classifier):
    worker = Worker(database.writing, classifier)

    def comment(*texts):
        with database.writing() as session:
            ids = [cases.open_case(session, text, author=1, context=7) for text in texts]
        worker.round()
        return ids

    return comment


@pytest.fixture
def kept(database):
    return Memory(database.reading)


def both(database, kept):
    """What is in memory, and what is in the database."""
    with database.reading() as session:
        classifier = policies.in_force(session).classifier_id
        part = kept.part(session, classifier)
        return part, history.read(session, classifier)


def same(one: History, other: History) -> bool:
    return all(
        np.array_equal(getattr(one, f.name), getattr(other, f.name), equal_nan=f.name == "scores")
        for f in fields(History)
    )


def test_what_came_since_is_added_and_what_was_decided_since_is_known(database, work, kept):
    _first, second = work("What a lovely cup of tea.", "You stupid idiot, shut up.")
    part, read = both(database, kept)
    assert part.whole
    assert same(part.outlook.history, read)

    work("I disagree with you.")
    with database.writing() as session:
        version = session.get_one(Case, second).version
        decisions.decide(session, second, Kind.REJECT, Status.REJECTED, version=version, actor=9)
    part, read = both(database, kept)

    assert len(part.outlook) == 3
    assert part.outlook.history.people[1] == REMOVE
    assert same(part.outlook.history, read)


def test_where_many_wait_to_be_read_the_newest_come_first(database, work, kept, monkeypatch):
    monkeypatch.setattr(memory, "AT_FIRST", 2)
    work(*(f"Cup of tea number {number}." for number in range(5)))

    part, read = both(database, kept)
    assert (len(part.outlook), part.whole, kept.waits) == (2, False, True)
    assert part.outlook.history.case_id.tolist() == read.case_id.tolist()[-2:]

    kept.load()
    part, read = both(database, kept)

    assert part.whole
    assert not kept.waits
    assert same(part.outlook.history, read)


def test_of_more_than_can_be_kept_the_oldest_go(database, work, kept, monkeypatch):
    monkeypatch.setattr(memory, "AT_MOST", 4)
    work(*(f"Cup of tea number {number}." for number in range(3)))
    both(database, kept)
    work(*(f"Pot of coffee number {number}." for number in range(3)))

    part, read = both(database, kept)

    assert part.outlook.history.case_id.tolist() == read.case_id.tolist()[-4:]


def test_a_part_of_a_time_and_of_a_section_is_cut_out(database, work, kept, clock):
    work("What a lovely cup of tea.")
    clock.turn(days=10)
    work("I disagree with you.")

    with database.reading() as session:
        classifier = policies.in_force(session).classifier_id
        lately = kept.part(session, classifier, since=clock.now.replace(hour=0))
        nothing = kept.part(session, classifier, section="sports", contexts=[8])

    assert len(lately.outlook) == 1
    assert len(nothing.outlook) == 0
    assert lately.bins["toxicity"].shape == (1,)
