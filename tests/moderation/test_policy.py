"""The policy is a pure function, and its test a table."""

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation import labels
from moderation.policy import (
    DEFAULT,
    Finding,
    InvalidPolicy,
    Means,
    Mode,
    Override,
    Policy,
    Scope,
    Signal,
    Status,
    Threshold,
    Where,
    judge,
)

BOTH = Policy(
    {"insult": Threshold(hold=0.5, reject=0.9), "threat": Threshold(hold=0.3)},
    signals={"link": Means.HOLD},
)
LINK = Signal("link", "It has a link.")
ARABIC = Signal("outside_languages", "Most of it is in the Arabic script.")
LENIENT = Policy(BOTH.thresholds, signals={"outside_languages": Means.NOTHING, "link": Means.HOLD})


@pytest.mark.parametrize(
    ("scores", "signals", "policy", "status", "codes"),
    [
        ({"insult": 0.1, "threat": 0.1}, (), BOTH, Status.PUBLISHED, []),
        ({"insult": 0.5, "threat": 0.1}, (), BOTH, Status.HELD, ["above_hold"]),
        ({"insult": 0.49, "threat": 0.3}, (), BOTH, Status.HELD, ["above_hold"]),
        ({"insult": 0.9, "threat": 0.1}, (), BOTH, Status.REJECTED, ["above_reject"]),
        # Every check runs: the moderator sees all that was found, not the first of it.
        (
            {"insult": 0.95, "threat": 0.4},
            (),
            BOTH,
            Status.REJECTED,
            ["above_hold", "above_reject"],
        ),
        ({"insult": 0.6, "threat": 0.1}, (LINK,), BOTH, Status.HELD, ["above_hold", "link"]),
        ({"insult": 0.1, "threat": 0.1}, (LINK,), BOTH, Status.HELD, ["link"]),
        ({"insult": 0.1, "threat": 0.1}, (ARABIC,), BOTH, Status.HELD, ["outside_languages"]),
        ({"insult": 0.1, "threat": 0.1}, (ARABIC,), LENIENT, Status.PUBLISHED, []),
        ({"insult": 0.1, "threat": 0.1}, (ARABIC, LINK), LENIENT, Status.HELD, ["link"]),
        # What is unknown is not published.
        ({"insult": 0.1}, (), BOTH, Status.HELD, ["not_scored"]),
        ({"insult": 0.1, "threat": math.nan}, (), BOTH, Status.HELD, ["not_scored"]),
        ({}, (), Policy({"insult": Threshold()}), Status.PUBLISHED, []),
        ({"insult": 0.1}, (), Policy({"insult": Threshold(reject=0.9)}), Status.PUBLISHED, []),
        (
            {},
            (),
            Policy(mode=Mode.HOLD_EVERYTHING),
            Status.HELD,
            ["hold_everything"],
        ),
    ],
)
def test_a_verdict_follows_from_scores_signals_and_policy(scores, signals, policy, status, codes):
    verdict = judge(scores, signals, policy)

    assert verdict.status is status
    assert [finding.code for finding in verdict.findings] == codes


@given(st.dictionaries(st.sampled_from(labels.NAMES), st.floats(0, 1)))
def test_a_higher_score_never_makes_a_verdict_milder(scores):
    severity = [Status.PUBLISHED, Status.HELD, Status.REJECTED]
    higher = {name: min(1.0, score + 0.1) for name, score in scores.items()}

    before, after = judge(scores, (), BOTH).status, judge(higher, (), BOTH).status

    assert severity.index(after) >= severity.index(before)


@given(st.dictionaries(st.sampled_from(labels.NAMES), st.floats(allow_nan=True)))
def test_nothing_unscored_is_ever_published(scores):
    for name in DEFAULT.thresholds:
        if not math.isfinite(scores.get(name, math.nan)):
            assert judge(scores, (), DEFAULT).status is not Status.PUBLISHED


@pytest.mark.parametrize("limits", [(0.9, 0.5), (-0.1, None), (None, 1.1), (math.nan, None)])
def test_a_threshold_that_makes_no_sense_cannot_be_built(limits):
    with pytest.raises(InvalidPolicy):
        Threshold(*limits)


def test_a_policy_for_a_label_that_does_not_exist_cannot_be_built():
    with pytest.raises(InvalidPolicy, match="anger"):
        Policy({"anger": Threshold(hold=0.5)})


def test_a_policy_that_ignores_what_is_no_signal_cannot_be_built():
    with pytest.raises(InvalidPolicy, match="anger"):
        Policy(signals={"anger": Means.HOLD})


def test_a_policy_is_the_same_after_it_was_kept():
    for policy in (BOTH, LENIENT, Policy(BOTH.thresholds, trust={"too_fast": 7})):
        assert Policy.from_json(policy.to_json()) == policy


def test_every_finding_can_be_said_in_words():
    verdict = judge(
        {"insult": 0.95}, (LINK,), Policy(BOTH.thresholds, Mode.HOLD_EVERYTHING, BOTH.signals)
    )

    sentences = [finding.in_words() for finding in verdict.findings]

    assert sentences == [
        "The classifier gave no usable score for threat, so nobody knows.",
        "Insult 0.95 is at or above the reject threshold 0.90.",
        "It has a link.",
        "The site holds every comment for a moderator.",
    ]
    kept = [Finding.from_json(finding.to_json()) for finding in verdict.findings]
    assert kept == list(verdict.findings)


def test_a_signal_is_skipped_for_who_has_enough_good_comments_and_the_verdict_says_so():
    trusting = Policy(BOTH.thresholds, signals={"link": Means.HOLD}, trust={"link": 5})
    harmless = {"insult": 0.1, "threat": 0.1}

    new = judge(harmless, [Signal("link", "It has a link.", good=4)], trusting)
    known = judge(harmless, [Signal("link", "It has a link.", good=5)], trusting)

    assert (new.status, known.status) == (Status.HELD, Status.PUBLISHED)
    assert [finding.in_words() for finding in known.findings] == [
        "Skipped, since its author has 5 good comments: It has a link."
    ]
    assert Finding.from_json(known.findings[0].to_json()) == known.findings[0]


def test_no_score_is_ever_skipped():
    trusting = Policy(BOTH.thresholds, trust=dict.fromkeys(["link", "listed_reject"], 1))
    signals = [Signal("link", "", good=1000), Signal("pre_moderation", "", good=1000)]

    assert judge({"insult": 0.95, "threat": 0.1}, signals, trusting).status is Status.REJECTED
    assert judge({"insult": 0.6, "threat": 0.1}, signals, trusting).status is Status.HELD
    assert judge({"insult": 0.1, "threat": 0.1}, signals, trusting).status is Status.HELD


@pytest.mark.parametrize("good", [0, -1, 10_001])
def test_trust_that_makes_no_sense_cannot_be_built(good):
    with pytest.raises(InvalidPolicy, match="Link"):
        Policy(trust={"link": good})


def own(where: Where, value: str | int, hold: float, **more) -> Override:
    return Override(where, value, {"insult": Threshold(hold=hold)}, **more)


MONDAY = datetime(2026, 11, 30, tzinfo=UTC)
PLACES = replace(
    BOTH,
    overrides=[
        own(Where.GOOD, 5, 0.11),
        own(Where.GOOD, 50, 0.12),
        own(Where.OLDER, 7, 0.21),
        own(Where.OLDER, 30, 0.22),
        own(Where.SECTION, "life", 0.31),
        own(Where.SECTION, "life/food", 0.32),
        own(Where.SECTION, "life/food", 0.33, until=MONDAY),
        own(Where.CONTEXT, 4, 0.41),
        Override(Where.CONTEXT, 5, {"threat": Threshold(hold=0.5)}),
    ],
)


@pytest.mark.parametrize(
    ("scope", "hold"),
    [
        (Scope(), 0.5),
        (Scope(good=4), 0.5),
        (Scope(good=5), 0.11),
        (Scope(good=70), 0.12),
        (Scope(older=6, good=70), 0.12),
        (Scope(older=7, good=70), 0.21),
        (Scope(older=99), 0.22),
        (Scope("lifestyle"), 0.5),
        (Scope("life", older=99), 0.31),
        (Scope("life/home"), 0.31),
        (Scope("life/food/tea", at=MONDAY - timedelta(seconds=1)), 0.33),
        (Scope("life/food", at=MONDAY), 0.32),
        (Scope("life/food", 4, at=MONDAY), 0.41),
        # The narrowest that names the label, not the narrowest.
        (Scope("life/food", 5, at=MONDAY), 0.32),
    ],
)
def test_for_each_label_the_narrowest_place_decides_alone(scope, hold):
    assert PLACES.limits(scope)["insult"].threshold.hold == hold


def test_what_was_found_says_for_which_place_the_threshold_is():
    verdict = judge({"insult": 0.4, "threat": 0.0}, (), PLACES, Scope("life"))

    assert verdict.status is Status.HELD
    assert [found.in_words() for found in verdict.findings] == [
        "Insult 0.40 is at or above the hold threshold 0.31 for the section life."
    ]
    assert Finding.from_json(verdict.findings[0].to_json()) == verdict.findings[0]


def test_overrides_go_out_as_plain_values_and_come_back():
    assert Policy.read(json.loads(json.dumps(PLACES.to_json()))) == PLACES


def test_what_has_ended_is_left_out_from_then_on():
    assert len(PLACES.at(MONDAY - timedelta(seconds=1)).overrides) == len(PLACES.overrides)
    assert len(PLACES.at(MONDAY).overrides) == len(PLACES.overrides) - 1


HOLD = {"insult": {"hold": 0.5}}


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ([], "An override must be an object"),
        ({"where": {"section": "life"}}, "“thresholds” must be an object"),
        ({"where": {"section": "life"}, "thresholds": {}}, "need at least one label"),
        ({"where": {"section": "life", "good_from": 3}, "thresholds": HOLD}, "names one of"),
        ({"where": {"weather": "bad"}, "thresholds": HOLD}, "has no “weather”"),
        ({"where": {"section": "/life"}, "thresholds": HOLD}, "must be a section's path"),
        ({"where": {"section": 3}, "thresholds": HOLD}, "must be a section's path"),
        ({"where": {"good_from": True}, "thresholds": HOLD}, "must be a whole number"),
        ({"where": {"context": 10**30}, "thresholds": HOLD}, "must be a whole number"),
        ({"where": {"section": "life"}, "thresholds": HOLD, "until": "2026-12-01"}, "time zone"),
        ({"where": {"section": "life"}, "thresholds": HOLD, "until": 7}, "must be a time"),
        ({"where": {"section": "life"}, "thresholds": HOLD, "name": "\ud800"}, "one line"),
        ({"where": {"section": "life"}, "thresholds": HOLD, "until": "0001-01-01T00:00+14:00"},
         "in no year"),
    ],
)  # fmt: skip
def test_an_override_that_is_none_is_refused_in_words(override, says):
    with pytest.raises(InvalidPolicy, match=says):
        Policy.read({"mode": "hold_everything", "thresholds": {}, "overrides": [override]})


def test_two_overrides_for_the_same_texts_are_refused():
    with pytest.raises(InvalidPolicy, match="without an end for the section life already"):
        replace(BOTH, overrides=[own(Where.SECTION, "life", 0.3), own(Where.SECTION, "life", 0.4)])
