"""The policy is a pure function, and its test a table."""

import math

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
    Policy,
    Signal,
    Status,
    Threshold,
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
