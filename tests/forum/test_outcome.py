"""What was predicted of a policy and what came, from the command line."""

from datetime import UTC, datetime, timedelta

from forum.database import Database
from moderation import policies
from moderation.policy import Override, Status, Threshold, Where
from moderation.predictions import Prediction
from tests.commands import Forum


def adopted(ago: timedelta) -> None:
    """Let a version be in force since a while, that was to publish ten comments a day."""
    began = datetime.now(UTC) - ago
    daily = {Status.PUBLISHED: (9, 10, 11) * 3, Status.HELD: (0,) * 9, Status.REJECTED: (0,) * 9}
    prediction = Prediction(began - timedelta(days=9), began, 90, daily, 30.0)
    database = Database("sqlite:///forum.db", clock=lambda: began)
    with database.writing() as session:
        current = policies.in_force(session)
        place = Override(Where.SECTION, "life", {"insult": Threshold(0.25, 0.9)})
        policies.adopt(
            session,
            type(current.policy)(current.policy.thresholds, overrides=[place]),
            author=None,
            based_on=current.id,
            prediction=prediction.to_json(),
        )
    database.close()


def test_what_was_never_predicted_is_said_so(prepared: Forum) -> None:
    refused = prepared("policy", "outcome")

    assert refused.status == 1
    assert "Nothing was predicted of version 1" in refused.err
    assert "There is no policy version 9" in prepared("policy", "outcome", "9").err


def test_what_was_predicted_is_compared_with_what_came(prepared: Forum) -> None:
    adopted(timedelta(days=2))

    said = prepared("policy", "outcome", "2").out

    assert "Predicted of version 2 from 90 comments" in said
    published, held, _ = said.splitlines()[-3:]
    assert published.startswith("Published 0.0 a day, predicted ")
    assert published.endswith(": fewer than predicted.")
    assert held.endswith(": as predicted.")
    assert "For the section life: Insult hold 0.25, reject 0.9." in prepared("policy", "show").out


def test_within_the_first_day_only_the_prediction_is_told(prepared: Forum) -> None:
    adopted(timedelta(hours=2))

    said = prepared("policy", "outcome").out

    assert "Published: predicted" in said
    assert "when it has been in force for a day" in said
