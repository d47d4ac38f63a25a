"""A calibration is proposed when enough people decided, adopted like a policy, and undone."""

import random
import re

import pytest
from sqlalchemy import insert

from forum.accounts import Role
from moderation import calibrations, lineup, policies
from moderation.policy import Policy, Threshold
from moderation.tables import Case, Decision, Score
from tests.people import words

MANY = 220


@pytest.fixture
def decided(site, clock):
    """A site on which every other comment that was held is as bad as the classifier thinks."""
    draw, now = random.Random(4), clock()
    with site.database.writing() as session:
        classifier = lineup.row_of(session, "told", "1")
        lineup.decides(session, classifier)
        first = policies.in_force(session)
        first.classifier_id = classifier
        policy = Policy({"toxicity": Threshold(hold=0.5, reject=0.97)})
        policies.adopt(session, policy, author=1, based_on=first.id)
        cases, scores, lines = [], [], []
        for number in range(1, MANY + 1):
            to = "rejected" if number % 2 else "published"
            of = {"case_id": number, "revision": 1}
            cases.append({"id": number, "text": "Tea.", "status": to, "author": 1, "context": 1})
            scores.append(of | {"classifier_id": classifier, "toxicity": draw.uniform(0.6, 0.95)})
            lines.append(
                of
                | {"kind": "reject" if number % 2 else "approve", "from_status": "held"}
                | {"to_status": to, "actor": 2, "findings": []}
                | {"reason": "harassment" if number % 2 else ""}
            )
        session.execute(insert(Case), [each | {"opened_at": now} for each in cases])
        session.execute(insert(Score), [each | {"scored_at": now} for each in scores])
        session.execute(insert(Decision), [each | {"at": now} for each in lines])
    return site


def fields(page, name, value):
    """The fields of the form that has a field of this name and value."""
    (form,) = [
        form
        for form in re.findall(r"<form.*?</form>", page, re.S)
        if re.search(f'name="{name}"[^>]*value="{value}"', form)
    ]
    return dict(re.findall(r'name="(\w+)"[^>]*value="([^"]*)"', form))


def hold(site):
    with site.database.reading() as session:
        version = policies.in_force(session)
        return version.author, version.policy.thresholds["toxicity"].hold


def test_a_proposal_comes_by_itself_is_adopted_and_undone_and_of_two_admins_one_is_refused(decided):
    ada, max_ = decided.person("Ada", Role.ADMIN), decided.person("Max", Role.ADMIN)
    look = decided.state.lookout.look
    look()
    assert "220 decisions are new since" in ada.reads("/admin/calibration")
    given = fields(ada.opens("/admin/alarms").text, "decisions", "500")
    ada.sends("/admin/alarms", **given | {"decisions": "200"})

    look()

    assert "The scores could be fitted better" in ada.reads("/admin/alarms")
    page = ada.opens("/admin/calibration").text
    assert page.count("<svg") == 2
    assert re.search(r"Toxicity: error 0\.[1-9]\d* now, 0\.0\d+ then", words(page))
    adopt = fields(page, "action", "adopt")
    assert "The curves are in force from" in words(ada.sends("/admin/calibration", **adopt).text)
    author, moved = hold(decided)
    assert author == ada.account_id
    assert moved != pytest.approx(0.5, abs=0.01)
    late = max_.sends("/admin/calibration", **adopt)
    assert late.status_code == 409
    assert "Another admin was faster" in words(late.text)

    undo = fields(ada.opens("/admin/calibration").text, "action", "undo")
    assert "classifier’s own again" in words(ada.sends("/admin/calibration", **undo).text)
    assert hold(decided)[1] == pytest.approx(0.5)
    assert ada.sends("/admin/calibration", **undo).status_code == 409


def test_a_fit_can_be_asked_for_and_what_was_fitted_to_other_curves_is_not_adopted(decided):
    ada = decided.person("Ada", Role.ADMIN)
    asked = words(ada.sends("/admin/calibration", action="fit").text)
    assert "The scores are being fitted since" in asked
    decided.state.lookout.look()
    adopt = fields(ada.opens("/admin/calibration").text, "action", "adopt")
    with decided.database.writing() as session:
        known, based_on = calibrations.loaded(session), policies.in_force(session).id
        refits = calibrations.offered(calibrations.proposal(session))
        version = calibrations.adopt(session, known, refits, based_on=based_on)

    late = ada.sends("/admin/calibration", **adopt | {"based_on": str(version.id)})

    assert late.status_code == 409
    assert "Another admin was faster" in words(late.text)
    for wrong in ({"action": "burn", "based_on": "1"}, {"action": "adopt"}, {}):
        assert ada.sends("/admin/calibration", **wrong).status_code in (400, 422)
