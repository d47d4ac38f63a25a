"""The fairness check: whom a policy would stop for what they are, before it counts."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import select

from moderation import acts, calibrations, cases, decisions, fairness, harmless, policies
from moderation.acts import Did
from moderation.calibration import Curve
from moderation.calibrations import Refit
from moderation.decisions import Kind
from moderation.fairness import Counts
from moderation.harmless import NeedsYes, Reading
from moderation.labels import NAMES
from moderation.lineup import row_of
from moderation.policies import PolicyChanged
from moderation.policy import DEFAULT, Mode, Override, Policy, Status, Threshold, Where
from moderation.reliability import measure
from moderation.suites import identity
from moderation.tables import Case, ClassifierVersion, Score
from moderation.worker import Worker
from tests.people import ships

CASES = identity.cases()
STRICT, MILD = Policy({"toxicity": Threshold(0.3)}), Policy({"toxicity": Threshold(0.6)})


class Wary:
    """A classifier that takes fright at a word, and breaks on another."""

    labels, scripts = NAMES, ("Latin",)
    name, version = "wary", "1"

    def __init__(self, word="xyzzy", breaks="xyzzy"):
        self.word, self.breaks = word, breaks

    def score(self, texts):
        if any(self.breaks in text for text in texts):
            raise ValueError("no")
        return [
            dict.fromkeys(NAMES, 0.0) | {"toxicity": 0.5 if self.word in text else 0.01}
            for text in texts
        ]


@pytest.fixture
def reads(database):
    """Put MILD in force for a classifier, and let it read the whole suite."""

    def read(classifier):
        ships(database, classifier)
        with database.writing() as session:
            first = policies.in_force(session).id
            policies.adopt(session, MILD, author=None, based_on=first)
        reading = Reading(database.writing, classifier, at_once=1000)
        while reading.piece():
            pass

    return read


def held(group, many):
    """A code for each sentence of the suite: 1 for the first so many of a group's, else 0."""
    found = np.zeros(len(CASES), dtype=np.int8)
    found[[at for at, case in enumerate(CASES) if case.group == group][:many]] = 1
    return found


def test_a_group_is_measured_against_the_average_one():
    group = CASES[0].group
    named = len({case.group for case in CASES if case.family != identity.NEUTRAL})

    found = fairness.compare(CASES, held(group, 2), held(group, 8))

    worst = found.groups[0]
    assert (worst.group, worst.counts.now, worst.counts.then) == (group, 2, 8)
    assert (worst.counts.starts, found.all.then) == (6, 8)
    assert found.worse == [worst]
    # All that is held is held of one group, so it is held as often as all of them together.
    assert worst.ratio == pytest.approx(named)
    assert 1 < worst.low < worst.ratio < worst.high
    others = [one for one in found.groups if one.family != identity.NEUTRAL][1:]
    assert all(one.ratio == 0 and one.low < 1e-9 < one.high for one in others)


def test_where_nothing_is_held_there_is_no_ratio_and_nothing_is_worse():
    found = fairness.compare(CASES, held("", 0), held("", 0))

    assert not found.all.worse and not found.worse
    assert all(one.ratio is None for one in found.groups)


def test_one_group_for_another_is_worse_though_the_sum_is_the_same():
    one, other = CASES[0].group, CASES[-1].group

    found = fairness.compare(CASES, held(one, 3), held(other, 3))

    assert not found.all.worse
    assert [group.group for group in found.worse] == [other]


def test_the_suite_is_read_in_pieces_and_a_sentence_that_breaks_the_classifier_counts_as_held(
    database, reads
):
    group = CASES[0].group
    broken = [case.text for case in CASES if group in case.text]
    reads(Wary(breaks=group))

    with database.reading() as session:
        found = harmless.before(session, MILD, based_on=policies.in_force(session).id)

    assert (found.read, found.sentences) == (len(CASES), len(CASES))
    assert found.suite.all.then == len(broken)
    assert not found.needs_yes


def test_until_it_is_read_nobody_knows_and_saving_takes_a_yes(database):
    wary = Wary()
    ships(database, wary)
    assert Reading(database.writing, wary).piece() == harmless.PIECE

    with database.writing() as session:
        first = policies.in_force(session).id
        found = harmless.before(session, DEFAULT, based_on=first)
        assert (found.suite, found.read, found.is_worse) == (None, harmless.PIECE, False)
        with pytest.raises(NeedsYes, match=f"has read {harmless.PIECE} of the"):
            harmless.accepted(session, DEFAULT, based_on=first)
        kept = harmless.accepted(session, DEFAULT, based_on=first, reason="It is urgent.")
    assert kept["reason"] == "It is urgent."


def test_the_worker_reads_it_once_no_comment_waits(database):
    class Watched(Wary):
        seen, has_read = [], threading.Event()

        def score(self, texts):
            self.seen += texts
            if CASES[0].text in texts:
                self.has_read.set()
            return super().score(texts)

    with database.writing() as session:
        cases.open_case(session, "Milk first.", author=1, context=1)
    worker = Worker(database.writing, Watched())
    thread = threading.Thread(target=worker.run)
    thread.start()
    assert Watched.has_read.wait(30)
    worker.stop()
    thread.join()

    assert Watched.seen[0] == "Milk first."
    with database.reading() as session:
        classifier = session.scalar(select(ClassifierVersion.id).filter_by(name="wary"))
        assert harmless.read_so_far(session, classifier)[1] >= harmless.PIECE


def test_what_is_worse_for_a_group_takes_a_yes_to_what_was_shown_and_is_logged(database, reads):
    group = CASES[0].group
    reads(Wary(word=group))
    with database.writing() as session:
        now = policies.in_force(session).id
        found = harmless.before(session, STRICT, based_on=now)
        assert group in [one.group for one in found.suite.worse]

        with pytest.raises(NeedsYes):
            harmless.accepted(session, STRICT, based_on=now)
        with pytest.raises(NeedsYes):
            harmless.accepted(session, STRICT, based_on=now, reason="Yes.", seen="another")
        kept = harmless.accepted(session, STRICT, based_on=now, reason="Why.", seen=found.mark)
        assert group in [one["group"] for one in kept["groups"]]
        adopted = policies.adopt(session, STRICT, author=1, based_on=now, fairness=kept)
        (line,) = acts.listed(session, only=[Did.INSISTED])
        assert line.words == f"Version {adopted.id}. Why."
        now = adopted.id

        everything = Policy(STRICT.thresholds, Mode.HOLD_EVERYTHING)
        assert not harmless.before(session, everything, based_on=now).needs_yes, "holds all alike"
        with pytest.raises(PolicyChanged):
            harmless.accepted(session, STRICT, based_on=now - 1)


def test_a_place_with_thresholds_of_its_own_is_looked_at_by_itself(database, reads):
    reads(Wary(word=CASES[0].group))
    food = Override(Where.SECTION, "life/food", STRICT.thresholds)
    with database.writing() as session:
        now = policies.in_force(session).id
        found = harmless.before(session, replace(MILD, overrides=[food]), based_on=now)

        assert found.needs_yes and not found.suite.is_worse
        ((place, there),) = found.places
        assert place == "the section life/food" and there.all.then > there.all.now == 0
        assert "For the section life/food: " in found.in_words()
        milder = Override(Where.SECTION, "life/food", {"toxicity": Threshold(0.9)})
        none = harmless.before(session, replace(MILD, overrides=[milder]), based_on=now)
        assert not none.needs_yes


def test_the_sites_own_calibration_is_applied_without_reading_anew(database, reads):
    wary = Wary(word=CASES[0].group)
    reads(wary)
    flags = np.array([True, False])
    found = measure(flags, np.array([0.9, 0.1]))
    with database.writing() as session:
        now = policies.in_force(session).id
        refit = Refit("toxicity", 9, 9, Curve(((0.0, 0.01), (1.0, 0.51))), found, found)
        adopted = calibrations.adopt(session, wary, [refit], based_on=now)
        scores, read = harmless.read_so_far(session, adopted.classifier_id)

        assert read == len(CASES)
        assert scores[:, 0].max() == pytest.approx(0.26)
        # The thresholds moved with the scores, so nothing is worse.
        assert not harmless.before(session, adopted.policy, based_on=adopted.id).needs_yes


def test_a_comment_that_people_let_through_must_not_be_stopped_again_in_silence(database, reads):
    wary = Wary()
    reads(wary)
    with database.writing() as session:
        row = row_of(session, wary.name, wary.version)
        now = policies.in_force(session).id
        for status, to in (
            (Status.HELD, Kind.APPROVE),
            (Status.REJECTED, Kind.APPROVE),
            (Status.HELD, Kind.REJECT),
        ):
            case_id = cases.open_case(session, "Milk first.", author=1, context=1)
            decisions.decide(session, case_id, Kind.VERDICT, status, version=1)
            ends = Status.PUBLISHED if to is Kind.APPROVE else Status.REJECTED
            version = session.get_one(Case, case_id).version
            decisions.decide(session, case_id, to, ends, version=version, actor=2)
            session.add(
                Score(
                    case_id=case_id,
                    revision=1,
                    classifier_id=row,
                    scored_at=session.info["time"],
                    **dict.fromkeys(NAMES, 0.0) | {"toxicity": 0.4},
                )
            )
        found = harmless.before(session, STRICT, based_on=now)
        assert found.overturned == Counts(
            texts=2, now=0, then=2, rejected_now=0, rejected_then=0, starts=2
        )
        assert found.is_worse
