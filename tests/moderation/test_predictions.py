"""What is expected of a policy, on sites whose days we made ourselves; and what came."""

from datetime import timedelta

import numpy as np
import pytest

from moderation import cases, policies, predictions
from moderation.history import NONE, History
from moderation.labels import NAMES
from moderation.policy import Policy, Status, Threshold
from moderation.predictions import Number, Prediction, expected
from moderation.tables import PolicyVersion
from moderation.worker import Worker

WEEK = np.array([1.0, 1.1, 1.05, 1.0, 0.9, 0.6, 0.7])


@pytest.mark.parametrize(("mean", "varies"), [(5, 0.2), (40, 0.3), (2000, 0.2), (2000, 0.05)])
def test_the_mean_of_a_week_to_come_lies_within_its_interval_in_95_of_100_weeks(mean, varies):
    chance = np.random.default_rng(20261127)
    inside = []
    for _ in range(2000):
        days = chance.gamma(1 / varies**2, varies**2, 42 + 7)
        came = chance.poisson(mean * np.resize(WEEK, len(days)) * days)
        inside.append(expected(came[:42].astype(float), 7).holds(came[42:].mean()))

    assert 0.93 <= np.mean(inside) <= 0.97


def test_where_hardly_anything_comes_the_interval_still_holds():
    chance = np.random.default_rng(20261127)
    seen, to_come = chance.poisson(0.1, (1000, 28)), chance.poisson(0.1, (1000, 7)).mean(axis=1)

    inside = [
        expected(row.astype(float), 7).holds(came) for row, came in zip(seen, to_come, strict=True)
    ]

    # Counts this small jump: no interval can be near 95, it must be above.
    assert np.mean(inside) >= 0.95
    assert expected(np.zeros(28), 7).high > 0


def test_of_less_than_a_week_nothing_is_said():
    with pytest.raises(ValueError, match="needs 7 days"):
        expected(np.ones(6), 7)


def test_days_are_counted_back_from_the_present(clock):
    n = 80
    whole = np.zeros(n, dtype=np.int64)
    scores = np.full((n, len(NAMES)), 0.0)
    scores[::4, 0] = 0.9
    # Ten a day, for eight days; the first day is not whole.
    at = int(clock.now.timestamp()) - np.arange(n)[::-1] * 8640 - 60
    known = History(
        np.arange(n), whole, at, scores, whole, whole, whole,
        np.full(n, NONE, dtype=np.int8), whole, np.full(n, NONE, dtype=np.int8),
    )  # fmt: skip

    made = predictions.make(
        known, Policy({NAMES[0]: Threshold(hold=0.5)}), until=clock.now, seconds_each=36
    )

    assert made is not None
    assert made.texts == 70
    assert len(made.daily[Status.HELD]) == 7
    assert sum(made.daily[Status.HELD]) + sum(made.daily[Status.PUBLISHED]) == 70
    assert made.hours.value == pytest.approx(made.a_day(Status.HELD).value / 100)
    assert Prediction.from_json(made.to_json()) == made


@pytest.mark.parametrize(
    ("came", "says"),
    [
        (41.2, "Held 41 a day, predicted 38 to 52: as predicted."),
        (60.0, "Held 60 a day, predicted 38 to 52: more than predicted."),
        (7.04, "Held 7.0 a day, predicted 38 to 52: fewer than predicted."),
    ],
)
def test_what_came_is_said_beside_what_was_expected(came, says):
    line = predictions.Line(Status.HELD, came, Number(45.0, 38.0, 52.0))

    assert line.in_words() == says


def test_a_week_later_a_prediction_is_compared_with_what_came(database, classifier, clock):
    worker = Worker(database.writing, classifier, at_once=100)

    def days(many, bad):
        for _ in range(many):
            with database.writing() as session:
                for number in range(3 + bad):
                    said = "You stupid idiot." if number < bad else "What a lovely cup of tea."
                    cases.open_case(session, said, author=1, context=1)
            while worker.round():
                pass
            clock.turn(days=1)

    days(8, bad=1)
    with database.writing() as session:
        current = policies.in_force(session)
        assert predictions.expect(session, current.policy, current.classifier_id) is not None
        expected_ = predictions.expect(session, current.policy, current.classifier_id)
        adopted = policies.adopt(
            session,
            current.policy,
            author=1,
            based_on=current.id,
            goal={"missed": 0.01},
            prediction=expected_.to_json(),
        ).id

    with database.writing() as session:
        assert predictions.came(session, policies.version(session, adopted)) is None
    days(2, bad=1)
    with database.reading() as session:
        early = predictions.came(session, policies.version(session, adopted))
    assert early is not None and early.as_expected and early.days == pytest.approx(2, abs=0.01)

    days(6, bad=12)
    with database.writing() as session:
        assert predictions.settle(session) == 1
        assert predictions.settle(session) == 0
    with database.reading() as session:
        version = session.get_one(PolicyVersion, adopted)
        found = predictions.came(session, version)
        assert version.goal == {"missed": 0.01}
    held = next(line for line in found.lines if line.status is Status.HELD)
    assert found.days == pytest.approx(7, abs=0.01)
    assert held.came == pytest.approx((2 + 5 * 12) / 7, rel=0.01)
    assert not held.as_expected
    assert "more than predicted" in held.in_words()


def test_a_version_that_another_followed_at_once_is_not_compared(database, clock):
    with database.writing() as session:
        first = policies.in_force(session)
        prediction = Prediction(
            clock.now - timedelta(days=7),
            clock.now,
            7,
            dict.fromkeys((Status.PUBLISHED, Status.HELD, Status.REJECTED), (1,) * 7),
            30.0,
        )
        second = policies.adopt(
            session, first.policy, author=1, based_on=first.id, prediction=prediction.to_json()
        )
        policies.adopt(session, first.policy, author=1, based_on=second.id)

    clock.turn(days=9)
    with database.writing() as session:
        assert predictions.settle(session) == 1
        assert predictions.came(session, policies.version(session, second.id)) is None
        assert predictions.settle(session) == 0
