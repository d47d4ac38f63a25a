"""Admins see how far the scores can be trusted, and where that comes from."""

import json

import pytest

from forum.accounts import Role
from moderation import calibrations, lineup, policies
from moderation.calibration import Curve
from moderation.calibrations import Refit
from moderation.reliability import BANDS, Band, Reliability


@pytest.fixture
def ada(site):
    return site.person("Ada", Role.ADMIN)


def measured(error):
    """A reliability with some texts in its lowest and its highest band."""
    empty = [Band(n / BANDS, (n + 1) / BANDS, 0, 0.0, None, None) for n in range(BANDS)]
    empty[0] = Band(0.0, 0.1, 3000, 0.75, 0.02, 0.03)
    empty[-1] = Band(0.9, 1.0, 1000, 0.25, 0.95, 0.91)
    return Reliability(4000, 1000, error, tuple(empty))


@pytest.fixture
def models(tmp_path, monkeypatch):
    """The folder in which a site keeps classifiers of its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models" / "own").mkdir(parents=True)
    return tmp_path / "models"


@pytest.mark.site(classifier="own")
def test_without_a_calibration_the_page_says_that_scores_are_no_probabilities(models, site, ada):
    (models / "own" / "model.json").write_text("{}")

    assert "are not calibrated" in ada.reads("/admin/policy")


@pytest.mark.site(classifier="own")
def test_the_classifiers_own_reliability_is_drawn_with_its_numbers(models, site, ada):
    about = {"reliability": {"insult": measured(0.018).to_json()}}
    (models / "own" / "model.json").write_text(json.dumps(about))

    page = ada.opens("/admin/policy").text
    said = ada.reads("/admin/policy")

    assert "How reliable the probabilities are. Insult: error 0.018" in page
    assert "Error 0.018, 1 000 of 4 000 comments" in said
    assert "0.9 to 1.0" in said
    assert "did not learn from" in said


def test_the_sites_own_calibration_takes_its_place(site, ada, classifier):
    found = measured(0.022)
    refit = Refit("insult", 1000, 3000, Curve(((0.0, 0.01), (1.0, 0.7))), measured(0.2), found)
    with site.database.writing() as session:
        lineup.decides(session, lineup.row_of(session, classifier.name, classifier.version))
        now = policies.in_force(session).id
        calibrations.adopt(session, classifier, [refit], based_on=now)

    said = ada.reads("/admin/policy")

    assert "to what people decided here, and measured on those comments" in said
    assert "Error 0.022" in said
    assert "The same thresholds, in the probabilities of the site's own calibration." in said


def test_adopting_a_calibration_leaves_no_policy_for_another_classifier(
    site, work, classifier, ada
):
    ada.comments("Nice tea.")
    work()
    refit = Refit("insult", 9, 9, Curve(((0.0, 0.01), (1.0, 0.7))), measured(0.2), measured(0.1))
    with site.database.writing() as session:
        now = policies.in_force(session).id
        calibrations.adopt(session, classifier, [refit], based_on=now)
    ada.comments("More tea.")
    work()

    assert ada.sees("More tea.")
    with site.database.reading() as session:
        assert policies.misfit(session) is None


def test_a_version_from_before_is_restored_in_the_present_calibration(site, classifier, ada):
    refit = Refit("insult", 9, 9, Curve(((0.0, 0.01), (1.0, 0.7))), measured(0.2), measured(0.1))
    with site.database.writing() as session:
        lineup.decides(session, lineup.row_of(session, classifier.name, classifier.version))
        first = policies.in_force(session)
        adopted = calibrations.adopt(session, classifier, [refit], based_on=first.id)

    assert "moved to the present calibration" in ada.reads(f"/admin/policy/{first.id}")
    assert ada.sends(f"/admin/policy/{first.id}", based_on=adopted.id).status_code == 200

    with site.database.reading() as session:
        restored = policies.in_force(session)
        assert restored.restores == first.id
        assert (restored.policy, restored.classifier_id) == (adopted.policy, adopted.classifier_id)
