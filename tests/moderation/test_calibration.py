"""Scores become probabilities: the order of texts stays, nothing is certain, the error is told."""

import json
import re
from xml.etree.ElementTree import fromstring

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation import calibration
from moderation.calibration import FEW, KNOTS, BadCurve, Curve, fit, out_of_fold
from moderation.evaluation import roc_auc
from moderation.reliability import Reliability, diagram, measure

# Scores as a model gives them, in the precision of its numbers.
SCORES = st.floats(0, 1, width=32).map(lambda score: round(score, 7))
TEXTS = st.lists(st.tuples(SCORES, st.booleans(), st.floats(0.1, 10)), min_size=1, max_size=300)


def columns(texts):
    scores, flags, weight = zip(*texts, strict=True)
    return np.array(flags), np.array(scores), np.array(weight)


def comments(count=4000, *, seed=1, scale=2.0, shift=1.5):
    """Comments whose classifier is too sure of itself, as flags and scores."""
    draw = np.random.default_rng(seed)
    odds = draw.normal(-2, 2, count)
    flags = draw.random(count) < 1 / (1 + np.exp(-odds))
    return flags, 1 / (1 + np.exp(-(odds * scale + shift)))


@given(TEXTS)
def test_a_text_that_scores_higher_is_more_probable_whatever_was_fitted(texts):
    flags, scores, weight = columns(texts)

    curve = fit(flags, scores, weight)

    asked = np.unique(np.append(scores, np.linspace(0, 1, 1001).round(7)))
    assert (np.diff(curve(asked)) > 0).all()


@given(TEXTS)
def test_nothing_is_certain_and_a_curve_is_small(texts):
    curve = fit(*columns(texts))

    assert 0 < curve(np.array(0.0)) < curve(np.array(1.0)) < 1
    assert len(curve.knots) <= KNOTS


@given(TEXTS)
def test_a_curve_can_be_undone(texts):
    flags, scores, weight = columns(texts)
    curve = fit(flags, scores, weight)

    assert curve.undo(curve(scores)) == pytest.approx(scores, abs=1e-7)


@given(TEXTS)
def test_a_curve_survives_being_written_and_read(texts):
    curves = {"insult": fit(*columns(texts))}

    assert calibration.read_curves(json.loads(json.dumps(calibration.write_curves(curves)))) == (
        curves
    )


@pytest.mark.parametrize("count", [FEW, 4000])
def test_calibrating_keeps_the_auc(count):
    flags, scores = comments(count)

    assert roc_auc(flags, fit(flags, scores)(scores)) == roc_auc(flags, scores)


def test_an_overconfident_classifier_becomes_honest_on_texts_it_was_not_fitted_on():
    flags, scores = comments()
    others, their_scores = comments(seed=2)
    assert measure(others, their_scores).error > 0.08

    curve = fit(flags, scores)

    assert measure(others, curve(their_scores)).error < 0.03
    assert measure(flags, out_of_fold(flags, scores)).error < 0.03


def test_a_shape_that_no_straight_line_fits_is_followed():
    draw = np.random.default_rng(3)
    scores = draw.random(20_000)
    # Right in the middle, never sure at the ends.
    truth = np.clip(scores, 0.3, 0.6)
    flags = draw.random(20_000) < truth

    assert np.abs(fit(flags, scores)(scores) - truth).mean() < 0.015


def test_with_few_positives_two_numbers_are_fitted_and_one_text_does_not_decide():
    flags, scores = np.zeros(1000, dtype=bool), np.linspace(0, 0.5, 1000)
    flags[-1] = True

    curve = fit(flags, scores)

    assert 0 < curve(np.array(0.5)) < 0.2
    assert curve(np.array(0.25)) < 0.01


def test_even_no_text_at_all_gives_a_curve():
    nothing = np.array([])

    assert fit(nothing.astype(bool), nothing)(np.array(0.5)) == pytest.approx(0.5, abs=0.05)


def test_a_weight_counts_as_so_many_texts():
    flags, scores = comments(600)
    often = np.where(flags, 1, 3)

    weighed = fit(flags, scores, often.astype(float))
    repeated = fit(np.repeat(flags, often), np.repeat(scores, often))

    asked = np.linspace(0, 1, 101)
    assert np.abs(weighed(asked) - repeated(asked)).max() < 0.05
    assert weighed(asked).mean() < fit(flags, scores)(asked).mean()


def test_scores_that_are_no_probabilities_are_refused():
    with pytest.raises(ValueError, match="between 0 and 1"):
        fit(np.array([True, False]), np.array([0.5, float("nan")]))


@pytest.mark.parametrize(
    ("knots", "words"),
    [
        ([[0, 0.1]], "2 to 20 knots"),
        ([[0, 0.1], [1, 0.1]], "must go up"),
        ([[0, 0.1], [0.5, float("nan")], [1, 0.9]], "must go up"),
        ([[0.2, 0.1], [1, 0.9]], "first knot"),
        ([[0, 0], [1, 0.9]], "between 0 and 1"),
        ([[0, 0.1], [1, 1]], "between 0 and 1"),
        ([[0, 0.1], [1, "high"]], "a score and a probability"),
        ([[0, 0.1, 0.2], [1, 0.9]], "a score and a probability"),
        (7, "names knots by label"),
    ],
)
def test_knots_that_are_no_curve_are_refused(knots, words):
    with pytest.raises(BadCurve, match=words):
        calibration.read_curves({"insult": knots})


def test_only_labels_with_a_curve_change():
    curves = {"insult": Curve(((0.0, 0.01), (1.0, 0.5)))}

    assert calibration.calibrate({"insult": 1.0, "threat": 0.3}, curves) == {
        "insult": 0.5,
        "threat": 0.3,
    }


def test_other_curves_are_another_version():
    one, other = (Curve(((0.0, 0.01), (1.0, high))) for high in (0.5, 0.6))
    versions = {
        calibration.version_with("56f1bfa6d9ed", curves)
        for curves in ({}, {"insult": one}, {"insult": other}, {"threat": one})
    }

    assert len(versions) == 4
    assert calibration.version_with("56f1bfa6d9ed", {}) == "56f1bfa6d9ed"


def test_the_error_is_the_mean_distance_of_the_bands_by_their_share():
    flags = np.array([True, False, True, True])
    probabilities = np.array([0.55, 0.55, 0.95, 0.15])

    found = measure(flags, probabilities, np.array([1.0, 1.0, 1.0, 2.0]))

    assert found.error == pytest.approx((2 * 0.05 + 1 * 0.05 + 2 * 0.85) / 5)
    assert (found.texts, found.positives) == (4, 3)
    middle = found.bands[5]
    assert (middle.texts, middle.share, middle.said, middle.was) == (2, 0.4, 0.55, 0.5)
    assert found.bands[0].was is None
    assert Reliability.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_the_diagram_is_drawn_in_the_colour_of_the_text_with_its_words_escaped():
    flags, scores = comments()

    drawn = diagram({"Insult & <more>": measure(flags, scores), "Threat": measure(~flags, scores)})

    picture = fromstring(drawn)
    dots = picture.iter("{http://www.w3.org/2000/svg}circle")
    assert len(list(dots)) == 20
    assert "Insult & <more>: error 0.0" in picture.get("aria-label")
    # A page allows no style of its own, and colour says nothing.
    assert "style" not in drawn
    assert set(re.findall(r'(?:fill|stroke)="([^"]*)"', drawn)) == {"none", "currentColor"}
    assert "prefers-color-scheme:dark" in diagram({"Threat": measure(flags, scores)}, alone=True)
