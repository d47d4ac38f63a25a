"""Scoring: nothing is lost, nothing is scored twice, nothing unscored is published."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from moderation import cases, policies, scoring_queue
from moderation.classifier import ScoringFailed
from moderation.policy import DEFAULT, Mode, Policy, Status
from moderation.scoring_queue import MAX_ATTEMPTS
from moderation.tables import Case, Score, ScoringJob
from moderation.worker import Worker

LEASE = timedelta(seconds=60)


class Picky:
    """A classifier that breaks on some texts, as real ones do on texts nobody thought of."""

    name, version, labels = "picky", "1", tuple(DEFAULT.thresholds)

    def __init__(self):
        self.broken = True
        self.seen = []

    def score(self, texts):
        self.seen.append(list(texts))
        if self.broken and any("breaks" in text for text in texts):
            raise ScoringFailed("no")
        return [dict.fromkeys(self.labels, 0.9 if "idiot" in text else 0.01) for text in texts]


@pytest.fixture
def picky():
    return Picky()


@pytest.fixture
def worker(database, picky):
    return Worker(database.writing, picky, lease_for=LEASE)


def opened(database, *texts):
    with database.writing() as session:
        return [cases.open_case(session, text, author=1, context=1) for text in texts]


def statuses(database):
    with database.reading() as session:
        return dict(session.execute(select(Case.text, Case.status)).all())


def test_a_round_scores_judges_and_records(database, worker):
    opened(database, "You idiot.", "Nice tea.")

    assert worker.round() == 2

    assert statuses(database) == {"You idiot.": Status.HELD, "Nice tea.": Status.PUBLISHED}
    with database.reading() as session:
        score = session.scalars(select(Score).order_by(Score.case_id)).first()
        ground = cases.grounds(session, [score.case_id])[score.case_id]
        assert ground.scores["insult"] == pytest.approx(0.9)
        assert ground.decision.classifier.name == "picky"
        assert ground.decision.policy_version.policy == DEFAULT
        assert session.scalar(select(ScoringJob.id)) is None


def test_no_transaction_is_open_while_the_classifier_works(database, worker, picky):
    opened(database, "Nice tea.")
    score = picky.score

    def score_while_somebody_writes(texts):
        with database.writing() as session:
            cases.open_case(session, "Posted meanwhile.", author=2, context=1)
        return score(texts)

    picky.score = score_while_somebody_writes
    assert worker.round() == 1
    assert statuses(database)["Posted meanwhile."] == Status.PENDING


def test_a_worker_that_died_is_replaced_when_its_lease_ends(database, worker, clock):
    opened(database, "Nice tea.")
    with database.writing() as session:
        dead = scoring_queue.claim(session, at_most=9, lease_for=LEASE)
    assert worker.round() == 0, "the lease still holds"

    clock.turn(seconds=61)
    assert worker.round() == 1

    assert statuses(database) == {"Nice tea.": Status.PUBLISHED}
    with database.writing() as session:
        assert not scoring_queue.finish(session, dead[0]), "the dead one records nothing"


def test_two_workers_never_hold_the_same_text(database):
    opened(database, *(f"Text {n}" for n in range(20)))
    with database.writing() as session:
        first = scoring_queue.claim(session, at_most=15, lease_for=LEASE)
    with database.writing() as session:
        second = scoring_queue.claim(session, at_most=15, lease_for=LEASE)

    assert len(first) == 15
    assert len(second) == 5
    assert not {c.case_id for c in first} & {c.case_id for c in second}


def test_one_text_that_breaks_the_classifier_hurts_only_itself(database, worker):
    opened(database, "This breaks.", "Nice tea.", "You idiot.")

    worker.round()

    assert statuses(database) == {
        "This breaks.": Status.PENDING,
        "Nice tea.": Status.PUBLISHED,
        "You idiot.": Status.HELD,
    }


def test_after_five_failures_a_person_looks(database, worker, clock):
    (case_id,) = opened(database, "This breaks.")

    for _ in range(MAX_ATTEMPTS):
        assert statuses(database) == {"This breaks.": Status.PENDING}
        assert worker.round() == 1
        clock.turn(minutes=15)

    assert statuses(database) == {"This breaks.": Status.HELD}
    with database.reading() as session:
        ground = cases.grounds(session, [case_id])[case_id]
        assert "failed 5 times" in ground.decision.findings[0]["words"]
        assert cases.counts_waiting(session) == {Status.HELD: 1}
    assert worker.round() == 0


def test_a_text_that_kills_the_worker_each_time_is_parked_too(database, worker, clock, picky):
    opened(database, "This kills.")
    for _ in range(MAX_ATTEMPTS):
        with database.writing() as session:
            assert scoring_queue.claim(session, at_most=9, lease_for=LEASE)
        clock.turn(seconds=61)

    worker.round()

    assert statuses(database) == {"This kills.": Status.HELD}
    assert ["This kills."] not in picky.seen, "it is not tried a sixth time"


def test_a_classifier_that_is_well_again_goes_on_where_it_failed(database, worker, clock, picky):
    opened(database, "This breaks.")
    worker.round()
    picky.broken = False
    clock.turn(seconds=5)

    worker.round()

    assert statuses(database) == {"This breaks.": Status.PUBLISHED}


def test_an_edit_while_scoring_is_scored_anew_and_the_old_scores_decide_nothing(database, worker):
    (case_id,) = opened(database, "Nice tea.")
    with database.writing() as session:
        (claim,) = scoring_queue.claim(session, at_most=9, lease_for=LEASE)
    with database.writing() as session:
        cases.reopen(session, session.get_one(Case, case_id), "You idiot.")
    with database.writing() as session:
        worker._record(session, claim, {"toxicity": 0.0})

    assert statuses(database) == {"You idiot.": Status.PENDING}
    worker.round()
    assert statuses(database) == {"You idiot.": Status.HELD}


def test_the_policy_of_the_deciding_moment_counts(database, worker):
    opened(database, "Nice tea.")
    with database.writing() as session:
        now = policies.in_force(session)
        strict = Policy(DEFAULT.thresholds, Mode.HOLD_EVERYTHING)
        policies.adopt(session, strict, author=1, based_on=now.id)

    worker.round()

    assert statuses(database) == {"Nice tea.": Status.HELD}


def test_a_withdrawn_text_is_not_scored(database, worker, picky):
    (case_id,) = opened(database, "Nice tea.")
    with database.writing() as session:
        cases.withdraw(session, session.get_one(Case, case_id))

    assert worker.round() == 0
    assert picky.seen == []


def test_two_new_workers_of_one_classifier_both_record(database, picky):
    opened(database, "Nice tea.", "More tea.")
    ready, first = threading.Barrier(2), Worker(database.writing, picky, at_once=1)
    second = Worker(database.writing, picky, at_once=1)
    score = picky.score

    def together(texts):
        # Both have read which classifiers there are only after both have scored.
        scores = score(texts)
        ready.wait()
        return scores

    picky.score = together
    rounds = [threading.Thread(target=worker.round) for worker in (first, second)]
    for each in rounds:
        each.start()
    for each in rounds:
        each.join()

    assert set(statuses(database).values()) == {Status.PUBLISHED}
