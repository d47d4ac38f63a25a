"""The site's own calibration: from what its people decided, without moving what is held."""

import random

import numpy as np
import pytest
from sqlalchemy import select

from moderation import calibrations, cases, decisions, policies, reliability
from moderation.calibration import Curve
from moderation.calibrations import LEAST, PolicyForAnother, Refit
from moderation.decisions import Kind
from moderation.policies import PolicyChanged
from moderation.policy import Policy, Status, Threshold
from moderation.tables import Case, ClassifierVersion, Decision, Score
from moderation.worker import Worker
from tests.people import ships

POLICY = Policy({"toxicity": Threshold(hold=0.41, reject=0.97), "threat": Threshold(hold=0.5)})

# Half of what the classifier says, and a little more at the ends.
HALF = Curve(((0.0, 0.01), (0.1, 0.05), (0.9, 0.45), (1.0, 0.5)))


class Told:
    """A classifier that gives the score that the text begins with, so that we know it."""

    name, version, labels, scripts = "told", "1", ("toxicity", "threat"), ("Latin",)

    def score(self, texts):
        return [{"toxicity": float(text.split()[0]), "threat": 0.01} for text in texts]


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def worker(database, told):
    ships(database, told)
    with database.writing() as session:
        policies.adopt(session, POLICY, author=1, based_on=policies.in_force(session).id)
    return Worker(database.writing, told, at_once=500)


def posted(database, worker, *scores):
    """Post comments with these scores and let the worker judge them; returns their numbers."""
    with database.writing() as session:
        opened = [
            cases.open_case(session, f"{score:.4f} Tea {number}", author=1, context=1)
            for number, score in enumerate(scores)
        ]
    assert worker.round() == len(opened)
    return opened


def approved(database, *case_ids):
    with database.writing() as session:
        for case_id in case_ids:
            decided(session, case_id, Kind.APPROVE, Status.PUBLISHED)


def rejected(database, *case_ids, reason="harassment"):
    with database.writing() as session:
        for case_id in case_ids:
            decided(session, case_id, Kind.REJECT, Status.REJECTED, reason)


def decided(session, case_id, kind, to, reason=""):
    version = session.get_one(Case, case_id).version
    decisions.decide(session, case_id, kind, to, version=version, actor=2, reason=reason)


@pytest.fixture
def moderated(database, worker):
    """A site where every other comment that is held is as bad as the classifier thinks."""
    draw = random.Random(4)
    scores = [draw.uniform(0.6, 0.95) for _ in range(210)] + [0.05] * 40
    held = posted(database, worker, *scores)[:210]
    rejected(database, *held[::2])
    approved(database, *held[1::2])
    return database


def refits(database, told):
    with database.reading() as session:
        return {each.label: each for each in calibrations.refit(session, told)}


def adopted(database, told, curve=HALF):
    found = Refit("toxicity", LEAST, LEAST, curve, measured(), measured())
    with database.writing() as session:
        now = policies.in_force(session).id
        return calibrations.adopt(session, told, [found], based_on=now)


def measured():
    return reliability.measure(np.array([True, False]), np.array([0.6, 0.4]))


def statuses(database, opened):
    with database.reading() as session:
        rows = session.execute(select(Case.id, Case.status).where(Case.id.in_(opened))).all()
    found = dict(map(tuple, rows))
    return [found[case_id] for case_id in opened]


def test_scores_follow_what_people_decided(moderated, told):
    found = refits(moderated, told)["toxicity"]

    assert (found.rejected, found.others) == (105, 105)
    assert found.before.error > 0.2
    assert found.after.error < 0.1
    assert found.curve(np.array([0.65, 0.9])) == pytest.approx([1 / 2, 1 / 2], abs=0.12)


def test_where_nobody_looked_the_probability_stays(moderated, told):
    curve = refits(moderated, told)["toxicity"].curve

    assert curve(np.array(0.05)) == pytest.approx(0.05, abs=0.03)


def test_a_label_with_too_few_decisions_is_left_alone_and_counted(moderated, told):
    found = refits(moderated, told)["threat"]

    assert (found.rejected, found.others, found.curve) == (0, 210, None)
    assert found.rejected < LEAST


def test_a_new_site_has_nothing_to_fit(database, told):
    assert [each.curve for each in refits(database, told).values()] == [None, None]


def test_spam_tells_nothing_of_toxicity_and_what_was_undone_counts_for_nothing(
    database, worker, told
):
    spam, mistaken, reported = posted(database, worker, 0.5, 0.6, 0.1)
    rejected(database, spam, reason="spam")
    rejected(database, mistaken, reported, reason="hate")
    with database.writing() as session:
        last = session.scalar(
            select(Decision.id).where(Decision.case_id == mistaken, Decision.kind == Kind.REJECT)
        )
        decisions.undo(session, last, actor=2)

    found = refits(database, told)["toxicity"]

    assert (found.rejected, found.others) == (1, 0)


def test_a_rejection_that_an_appeal_overturned_counts_as_a_mistake(database, worker, told):
    first, second = posted(database, worker, 0.8, 0.81)
    rejected(database, first, second)
    with database.writing() as session:
        cases.appeal(session, session.get_one(Case, first))
    approved(database, first)

    found = refits(database, told)["toxicity"]
    assert (found.rejected, found.others) == (1, 1)


def test_what_is_rejected_for_another_reason_is_without_the_label(database, worker, told):
    threat, approval, rude = posted(database, worker, 0.5, 0.6, 0.7)
    rejected(database, threat, reason="threat")
    rejected(database, rude, reason="obscenity")
    approved(database, approval)

    found = refits(database, told)

    assert (found["threat"].rejected, found["threat"].others) == (1, 2)
    assert (found["toxicity"].rejected, found["toxicity"].others) == (2, 1)


def test_adopting_moves_the_thresholds_so_that_the_same_comments_are_held(database, told, worker):
    scores = [0.3, 0.4099, 0.41, 0.4101, 0.9, 0.9699, 0.97, 0.99]
    before = statuses(database, posted(database, worker, *scores))

    version = adopted(database, told)

    after = posted(database, worker, *scores)
    assert statuses(database, after) == before
    assert set(before) == {Status.PUBLISHED, Status.HELD, Status.REJECTED}
    assert version.policy.thresholds["toxicity"] != POLICY.thresholds["toxicity"]
    assert version.policy.thresholds["threat"] == POLICY.thresholds["threat"]
    assert version.author is None
    assert "calibration" in version.note


def test_the_worker_gives_probabilities_from_then_on_under_another_version(database, told, worker):
    adopted(database, told)

    (case_id,) = posted(database, worker, 0.9)

    with database.reading() as session:
        ground = cases.grounds(session, [case_id])[case_id]
        assert ground.scores["toxicity"] == pytest.approx(0.45)
        assert ground.scores["threat"] == 0.01
        assert ground.decision.classifier.name == "told"
        assert ground.decision.classifier.version not in ("1", "")


def test_undoing_brings_scores_and_thresholds_back(database, told, worker):
    adopted(database, told)
    with database.writing() as session:
        calibrations.undo(session, told, based_on=policies.in_force(session).id)

    (case_id,) = posted(database, worker, 0.9)

    with database.reading() as session:
        back = policies.in_force(session).policy.thresholds
        assert back["toxicity"].hold == pytest.approx(0.41, abs=1e-12)
        assert back["toxicity"].reject == pytest.approx(0.97, abs=1e-12)
        assert back["threat"] == POLICY.thresholds["threat"]
        ground = cases.grounds(session, [case_id])[case_id]
        assert ground.scores["toxicity"] == 0.9
        assert ground.decision.classifier.version == "1"


def test_where_nothing_was_adopted_there_is_nothing_to_undo(database, told):
    with database.writing() as session:
        now = policies.in_force(session).id
        assert calibrations.undo(session, told, based_on=now) is None
        assert policies.in_force(session).id == now


def test_fitting_again_starts_from_the_classifiers_own_scores(moderated, told, worker):
    adopted(moderated, told)
    first = refits(moderated, told)["toxicity"]
    approved(moderated, *posted(moderated, worker, *np.linspace(0.6, 0.95, 40)))

    again = refits(moderated, told)["toxicity"]

    assert (again.rejected, again.others) == (105, 145)
    asked = np.linspace(0.65, 0.9, 9)
    assert (again.curve(asked) < first.curve(asked)).mean() > 0.7
    assert again.before.error < 0.15, "it is measured against the curve in force"


def test_another_classifier_is_not_touched(database, told, worker):
    adopted(database, told)
    other = Told()
    other.version = "2"

    with database.reading() as session:
        assert calibrations.applied(session, other) is other
        assert calibrations.applied(session, told) is not told


def test_an_admin_who_changed_the_policy_meanwhile_is_not_overruled(database, told, worker):
    with database.reading() as session:
        seen, found = policies.in_force(session).id, calibrations.refit(session, told)
    with database.writing() as session:
        policies.adopt(session, Policy(), author=1, based_on=seen)

    with database.writing() as session, pytest.raises(PolicyChanged):
        calibrations.adopt(session, told, found, based_on=seen)

    with database.reading() as session:
        assert policies.in_force(session).policy == Policy()
        assert calibrations.applied(session, told) is told


def test_an_earlier_policy_comes_back_in_the_present_calibration(database, told, worker):
    with database.reading() as session:
        first = policies.in_force(session)
    version = adopted(database, told)

    with database.reading() as session:
        policy, classifier = calibrations.brought_over(session, first)
        assert (policy, classifier) == (version.policy, version.classifier_id)
        assert calibrations.brought_over(session, version) == (policy, classifier)

    with database.writing() as session:
        calibrations.undo(session, told, based_on=version.id)
        policy, classifier = calibrations.brought_over(session, version)
        assert classifier == first.classifier_id
        assert policy.thresholds["toxicity"].hold == pytest.approx(0.41, abs=1e-12)


def test_thresholds_for_another_classifier_are_not_touched(database, told, worker):
    other = Told()
    other.version = "2"
    with database.writing() as session:
        found = calibrations.refit(session, told)
        now = policies.in_force(session).id
        with pytest.raises(PolicyForAnother, match="are for told 1"):
            calibrations.adopt(session, other, found, based_on=now)

    with database.reading() as session:
        assert policies.in_force(session).policy == POLICY


def test_a_batch_that_was_scored_before_the_change_is_scored_again(database, told, worker, clock):
    score = told.score

    def meanwhile(texts):
        told.score = score
        adopted(database, told)
        return score(texts)

    told.score = meanwhile
    (case_id,) = posted(database, worker, 0.9)
    assert statuses(database, [case_id]) == [Status.PENDING]

    clock.turn(seconds=2)
    worker.round()

    assert statuses(database, [case_id]) == [Status.HELD]
    with database.reading() as session:
        rows = session.execute(
            select(ClassifierVersion.version, Score.toxicity)
            .join(Score, Score.classifier_id == ClassifierVersion.id)
            .where(Score.case_id == case_id)
        ).all()
        assert len(rows) == 1
        assert rows[0].version != "1"
        assert rows[0].toxicity == pytest.approx(0.45)


def test_what_is_calibrated_keeps_the_port(told):
    curves = {"toxicity": Curve(((0.0, 0.01), (1.0, 0.5)))}

    found = calibrations.Calibrated(told, curves)

    assert (found.name, found.labels, found.scripts) == ("told", told.labels, told.scripts)
    assert found.score(["1.0 tea"]) == [{"toxicity": 0.5, "threat": 0.01}]
    assert found.score([]) == []
