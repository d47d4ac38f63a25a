"""Scoring: nothing is lost, nothing is scored twice, nothing unscored is published."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from moderation import cases, policies, review_queue, scoring_queue
from moderation.classifier import ScoringFailed
from moderation.policy import DEFAULT, Means, Mode, Policy, Status
from moderation.quotes import Quotable
from moderation.scoring_queue import MAX_ATTEMPTS
from moderation.tables import Case, Score, ScoringJob
from moderation.worker import Worker
from tests.people import ships

LEASE = timedelta(seconds=60)


class Picky:
    """A classifier that breaks on some texts, as real ones do on texts nobody thought of."""

    name, version, labels = "picky", "1", tuple(DEFAULT.thresholds)
    scripts = ("Latin",)

    def __init__(self):
        self.broken = True
        self.seen = []

    def score(self, texts):
        self.seen.append(list(texts))
        if self.broken and any("breaks" in text for text in texts):
            raise ScoringFailed("no")
        return [dict.fromkeys(self.labels, 0.9 if "idiot" in text else 0.01) for text in texts]


@pytest.fixture
def picky(database):
    picky = Picky()
    ships(database, picky)
    return picky


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
        assert review_queue.counts(session) == {Status.HELD: 1}
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
        worker._record(session, claim, {"toxicity": 0.0}, policies.in_force(session))

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


ARTICLE = "The mayor says that the council is an idiot and all of its members too."
QUOTE = "says that the council is an idiot and all of its members"


def kept(database):
    with database.reading() as session:
        return session.scalars(select(Score).order_by(Score.case_id)).all()


def test_the_authors_own_words_decide_and_what_they_quote_is_scored_apart(database, picky):
    texts = opened(database, f"“{QUOTE}” How rude of him.", f"“{QUOTE}” He is an idiot too.", QUOTE)
    worker = Worker(
        database.writing, picky, quotables=lambda _, cases: {c: Quotable([ARTICLE]) for c in cases}
    )

    worker.round()

    assert list(statuses(database).values()) == [Status.PUBLISHED, Status.HELD, Status.HELD]
    rude, idiot, alone = kept(database)
    assert rude.insult == pytest.approx(0.01)
    assert rude.quoted["spans"] == [[1, 1 + len(QUOTE)]]
    assert rude.quoted["scores"]["insult"] == pytest.approx(0.9)
    assert idiot.insult == pytest.approx(0.9)
    assert alone.quoted is None, "who only quotes says it"
    assert texts


def test_words_outside_the_classifiers_languages_are_held_as_the_policy_says(database, worker):
    (case_id,) = opened(database, "شكرا جزيلا على المقال")
    worker.round()

    assert list(statuses(database).values()) == [Status.HELD]
    (score,) = kept(database)
    assert score.signals == "outside_languages"
    with database.reading() as session:
        (finding,) = cases.grounds(session, [case_id])[case_id].decision.findings
        assert "Arabic" in finding["words"]

    with database.writing() as session:
        lenient = Policy(DEFAULT.thresholds, signals={"outside_languages": Means.NOTHING})
        policies.adopt(session, lenient, author=1, based_on=policies.in_force(session).id)
    opened(database, "شكرا")
    worker.round()
    assert statuses(database)["شكرا"] == Status.PUBLISHED


def test_where_nothing_waits_the_worker_finds_out_which_words_carried_the_scores(database, picky):
    text = f"“{QUOTE}” I say: you idiot, dear council."
    (case_id, _) = opened(database, text, "Nice tea.")
    worker = Worker(
        database.writing, picky, quotables=lambda _, cases: {c: Quotable([ARTICLE]) for c in cases}
    )

    assert [worker.round(), worker.round(), worker.round()] == [2, 1, 0]

    held, nice = kept(database)
    assert nice.why == {}
    (span,) = held.why["insult"]["spans"]
    assert text[slice(*span)] == "idiot"
    with database.reading() as session:
        ground = cases.grounds(session, [case_id])[case_id]
        assert ground.why["insult"].spans == (tuple(span),)
        assert ground.quoted["scores"]["insult"] == pytest.approx(0.9)


def test_a_text_that_cannot_be_explained_is_tried_once(database, worker, picky):
    opened(database, "You idiot.")
    worker.round()
    score = picky.score
    picky.score = lambda texts: 1 / 0
    assert worker.round() == 1
    picky.score = score

    assert worker.round() == 0
    assert kept(database)[0].why == {}


def test_an_edited_text_is_explained_as_it_stands(database, worker):
    (case_id,) = opened(database, "You idiot.")
    worker.round()
    with database.writing() as session:
        cases.reopen(session, session.get_one(Case, case_id), "No, you are the idiot.")
    while worker.round():
        pass

    with database.reading() as session:
        why = cases.grounds(session, [case_id])[case_id].why
    assert [("No, you are the idiot."[a:b]) for a, b in why["insult"].spans] == ["idiot"]
