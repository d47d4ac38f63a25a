"""`forum model calibrate`: what it shows, asks, refuses, changes and undoes."""

import json
from pathlib import Path

import pytest

from forum.database import Database
from moderation import cases, decisions, lineup, policies, scoring_queue
from moderation.classifier import Classifier
from moderation.decisions import Kind
from moderation.policy import DEFAULT, Status
from moderation.tables import Score, time_of
from tests.commands import Forum


@pytest.fixture
def moderated(prepared: Forum, tmp_path: Path, classifier: Classifier) -> Forum:
    """The command on a site that approved every other comment that was held."""
    database = Database(f"sqlite:///{tmp_path / 'forum.db'}")
    with database.writing() as session:
        own = lineup.row_of(session, classifier.name, classifier.version)
        for number in range(220):
            case_id = cases.open_case(session, f"Tea {number}", author=1, context=1)
            scoring_queue.drop(session, case_id)
            scores = dict.fromkeys(classifier.labels, 0.01) | {"toxicity": 0.6 + number / 1000}
            session.add(
                Score(
                    case_id=case_id,
                    revision=1,
                    classifier_id=own,
                    scored_at=time_of(session),
                    **scores,
                )
            )
            session.flush()
            decisions.decide(session, case_id, Kind.VERDICT, Status.HELD, version=1)
            if number % 2:
                decisions.decide(
                    session, case_id, Kind.REJECT, Status.REJECTED, version=2, reason="hate"
                )
            else:
                decisions.decide(session, case_id, Kind.APPROVE, Status.PUBLISHED, version=2)
    database.close()
    return prepared


def hold(tmp_path: Path) -> float | None:
    """The toxicity threshold of the policy in force."""
    database = Database(f"sqlite:///{tmp_path / 'forum.db'}")
    with database.reading() as session:
        found = policies.in_force(session).policy.thresholds["toxicity"].hold
    database.close()
    return found


def test_a_site_with_few_decisions_is_told_how_many_are_missing(prepared: Forum) -> None:
    refused = prepared("model", "calibrate", "--yes")

    assert refused.status == 1
    assert "Toxicity\t0\t0\t100 rejected, 100 others" in refused.out
    assert "Nothing was changed" in refused.err
    assert "100 comments that were rejected" in refused.err


def test_it_shows_errors_before_and_after_and_changes_nothing_unasked(
    moderated: Forum, tmp_path: Path
) -> None:
    shown = moderated("model", "calibrate")

    assert shown.status == 1
    (toxicity,) = (line for line in shown.out.splitlines() if line.startswith("Toxicity\t110\t"))
    *_, now, then = toxicity.split("\t")
    assert float(now) > 0.1
    assert float(then) < 0.1
    assert "Insult\t0\t220\t100 rejected" in shown.out
    assert "Toxicity\t0.6 to 0.7\t100\t" in shown.out
    assert "where nobody looked" in shown.out
    assert shown.err == "Nothing was changed. To adopt it, add --yes.\n"
    assert hold(tmp_path) == DEFAULT.thresholds["toxicity"].hold


def test_it_is_adopted_with_the_thresholds_moved_and_undone_again(
    moderated: Forum, tmp_path: Path
) -> None:
    before = hold(tmp_path)

    adopted = moderated("model", "calibrate", "--yes")

    assert adopted.status == 0
    assert "policy version 2" in adopted.out
    assert hold(tmp_path) != before

    undone = moderated("model", "calibrate", "--undo", "--yes")

    assert undone.status == 0
    assert "policy version 3" in undone.out
    assert hold(tmp_path) == pytest.approx(before, abs=1e-12)


def test_without_anything_adopted_there_is_nothing_to_undo(prepared: Forum) -> None:
    refused = prepared("model", "calibrate", "--undo", "--yes")

    assert refused.status == 1
    assert "nothing to undo" in refused.err


def test_scores_beside_a_site_go_by_its_own_calibration_and_that_is_said(
    moderated: Forum,
) -> None:
    own = json.loads(moderated("score", "You idiot.", "--json").out)
    moderated("model", "calibrate", "--yes")

    bent = json.loads(moderated("score", "You idiot.", "--json").out)
    why = json.loads(moderated("explain", "You idiot.", "--json").out)

    assert (own["calibrated_here"], bent["calibrated_here"]) == (False, True)
    assert bent["version"] != own["version"]
    assert bent["scores"]["toxicity"] != own["scores"]["toxicity"]
    assert why["version"] == bent["version"]
    assert why["labels"]["toxicity"]["score"] == bent["scores"]["toxicity"]
    said = moderated("score", "You idiot.").out
    assert said.endswith(f"version {bent['version']}, with the calibration of the site here.\n")


def test_beside_a_database_that_cannot_be_asked_scores_are_the_classifiers_own(
    forum: Forum, tmp_path: Path, classifier: Classifier
) -> None:
    (tmp_path / "forum.db").write_text("This is no database, nor was it ever meant to be one.")

    scored = forum("score", "You idiot.")

    assert scored.status == 0
    assert scored.out.endswith(f"version {classifier.version}.\n")
    assert "The scores are the classifier's own." in scored.err
