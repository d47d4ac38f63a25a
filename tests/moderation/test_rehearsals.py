"""Rehearsals: a policy judges beside the one in force, and may decide on some threads."""

from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import select

from moderation import cases, clusters, decisions, policies, rehearsals
from moderation.decisions import Kind
from moderation.labels import NAMES
from moderation.policy import Policy, Status, Threshold
from moderation.rehearsals import CannotRehearse, decides_on
from moderation.tables import Case, Decision, Rehearsed
from moderation.worker import Worker
from tests.people import ships

NOW, THEN = Policy({"toxicity": Threshold(0.6)}), Policy({"toxicity": Threshold(0.3)})


class Scale:
    """A classifier that reads its score in the text."""

    labels, scripts = NAMES, ("Latin",)

    def __init__(self, name="scale"):
        self.name, self.version = name, "1"

    def score(self, texts):
        return [dict.fromkeys(NAMES, 0.0) | {"toxicity": float(t.split()[-1])} for t in texts]


@pytest.fixture
def scale(database):
    scale = Scale()
    ships(database, scale)
    with database.writing() as session:
        policies.adopt(session, NOW, author=None, based_on=policies.in_force(session).id)
    return scale


@pytest.fixture
def work(database, scale):
    return Worker(database.writing, scale).round


def start(database, *, share=0.0, lasts=timedelta(days=7), policy=THEN):
    with database.writing() as session:
        based_on = policies.in_force(session).id
        row = rehearsals.start(
            session, policy, by=1, share=share, lasts=lasts, based_on=based_on, note="Elections"
        )
    return row.id


def comes(database, score, context=1):
    with database.writing() as session:
        return cases.open_case(session, f"Tea {score}", author=1, context=context)


def told(database, number):
    with database.reading() as session:
        return rehearsals.outcome(session, session.get_one(rehearsals.Rehearsal, number))


def test_in_the_shadow_both_verdicts_are_kept_and_nothing_else_changes(database, work):
    start(database)
    ids = [comes(database, score) for score in (0.1, 0.4, 0.9)]
    work()

    with database.reading() as session:
        assert session.scalars(select(Case.status).order_by(Case.id)).all() == [
            "published",
            "published",
            "held",
        ]
        lines = session.scalars(select(Decision)).all()
        assert {(line.rehearsal_id, line.policy_version_id) for line in lines} == {(None, 2)}
        (apart,) = rehearsals.apart(session, 1)
        assert (apart.case_id, apart.in_force, apart.verdict) == (ids[1], "published", "held")
    outcome = told(database, 1)
    assert outcome.rows() == [
        (Status.PUBLISHED, 2, 1),
        (Status.HELD, 1, 2),
        (Status.REJECTED, 0, 0),
    ]
    assert (outcome.texts, outcome.apart) == (3, 1)


def test_on_its_threads_it_decides_and_the_line_of_the_log_says_so(database, work):
    number = start(database, share=0.5)
    ids = {context: comes(database, 0.4, context) for context in range(1, 31)}
    while work():
        pass

    with database.reading() as session:
        seed = session.get_one(rehearsals.Rehearsal, number).seed
        rows = session.scalars(select(Decision).where(Decision.kind == Kind.VERDICT)).all()
        by_case = {line.case_id: line for line in rows}
        for context, case_id in ids.items():
            line = by_case[case_id]
            if decides_on(context, seed=seed, share=0.5):
                expected = ("held", number, None)
            else:
                expected = ("published", None, 2)
            assert (line.to_status, line.rehearsal_id, line.policy_version_id) == expected
        sides = session.scalars(select(Rehearsed.decides)).all()
    outcome = told(database, number)
    assert (len(outcome.one), len(outcome.other)) == (sides.count(False), sides.count(True))
    published, held, _ = (apart for _, apart in outcome.compare())
    assert (published.one, published.other) == (1, 0)
    assert (held.one, held.other) == (0, 1)


def test_a_share_is_a_share_of_threads_and_a_thread_stays_on_its_side():
    sides = [decides_on(context, seed=7, share=0.2) for context in range(20_000)]

    # Six standard errors of a share of 20,000 draws.
    assert sum(sides) / len(sides) == pytest.approx(0.2, abs=6 * (0.2 * 0.8 / 20_000) ** 0.5)
    assert sides == [decides_on(context, seed=7, share=0.2) for context in range(20_000)]
    assert not any(decides_on(context, seed=7, share=0.0) for context in range(1000))
    more = [decides_on(context, seed=7, share=0.5) for context in range(20_000)]
    assert all(then for now, then in zip(sides, more, strict=True) if now)


def test_it_ends_by_itself_and_then_another_can_start(database, work, clock):
    start(database, lasts=timedelta(days=1))
    with pytest.raises(CannotRehearse, match="Another rehearsal runs"):
        start(database)

    clock.turn(days=1)
    comes(database, 0.4)
    work()

    assert told(database, 1).texts == 0
    assert start(database) == 2


def test_one_for_another_classifier_ends_at_once(database, work):
    start(database, share=0.9)
    comes(database, 0.4)
    Worker(database.writing, Scale("another")).round()

    with database.writing() as session:
        ended = rehearsals.newest(session)
        assert (ended.ended_why, ended.ended_by) == ("misfit", None)
        assert session.scalars(select(Case.status)).all() == ["held"], "the policy does not fit"
        with pytest.raises(CannotRehearse, match="for another classifier"):
            rehearsals.start(
                session, THEN, by=1, share=0, lasts=timedelta(days=1), based_on=ended.based_on
            )


def test_what_people_decided_stands_beside_it_and_what_was_changed_is_left_out(database, work):
    start(database)
    ids = [comes(database, 0.4) for _ in range(4)]
    work()
    with database.writing() as session:
        for case_id, kind, to in (
            (ids[0], Kind.APPROVE, Status.PUBLISHED),
            (ids[1], Kind.REJECT, Status.REJECTED),
        ):
            version = session.get_one(Case, case_id).version
            decisions.decide(session, case_id, kind, to, version=version, actor=2)
        cases.withdraw(session, session.get_one(Case, ids[2]))

    with database.reading() as session:
        found = rehearsals.apart(session, 1)
        assert [(one.case_id, one.said) for one in found] == [
            (ids[3], None),
            (ids[1], "reject"),
            (ids[0], "approve"),
        ]
        below = rehearsals.apart(session, 1, before=ids[3], at_most=1)
        assert [one.case_id for one in below] == [ids[1]]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"share": 0.95}, "0 to 90%"),
        ({"share": float("nan")}, "0 to 90%"),
        ({"lasts": timedelta(minutes=1)}, "from one hour to 90 days"),
        ({"lasts": timedelta(days=91)}, "from one hour to 90 days"),
    ],
)
def test_what_cannot_be_rehearsed_is_refused_in_words(database, given, says):
    with pytest.raises(CannotRehearse, match=says):
        start(database, **given)


def test_intervals_hold_the_true_difference_of_threads_that_are_alike_within():
    """Threads have rates of their own, so texts in them are alike; 200 sites, share 0.2 on both."""
    chance, within = np.random.default_rng(5), 0
    for _ in range(200):
        sides = []
        for _ in range(2):
            rate = chance.beta(2, 8, 60)
            held = chance.binomial(chance.integers(1, 40, 60), rate)
            texts = held + chance.binomial(5, 0.8, 60)
            sides.append(np.column_stack((texts - held, held)).astype(np.int64))
        _, apart = clusters.differences(*sides)
        within += apart.low <= 0 <= apart.high
    assert 183 <= within <= 198


def test_with_few_threads_no_interval_is_given():
    some = np.array([[3, 1]] * 19)
    many = np.array([[3, 1]] * 500)

    assert clusters.differences(some, many)[0].low is None
    assert clusters.differences(np.zeros((0, 2), dtype=np.int64), many)[0].one == 0
    same = clusters.differences(many, many)[0]
    assert (same.low, same.value, same.high) == (0, 0, 0)
