"""Thresholds found for a goal, on sites whose truth we know."""

import numpy as np

from moderation import goals
from moderation.estimates import Sample
from moderation.goals import Goal
from moderation.history import HELD, NONE, PUBLISHED, REJECTED, History, judge_all
from moderation.labels import NAMES
from moderation.policy import Policy, Threshold

NOW = Policy({"toxicity": Threshold(0.3), "threat": Threshold(0.2)})
DAYS = 30


def a_site(seed, n=15_000, audited=0.4):
    """Texts with two labels that each say a part; people see what is held, and what is drawn."""
    chance = np.random.default_rng(seed)
    scores = np.full((n, len(NAMES)), np.nan)
    toxicity, threat = chance.beta(0.4, 4.0, n), chance.beta(0.2, 6.0, n)
    scores[:, NAMES.index("toxicity")] = toxicity
    scores[:, NAMES.index("threat")] = threat
    bad = 1 - (1 - toxicity**1.6) * (1 - threat**0.9)
    likely = np.clip(bad * 1.15, 0, 1)
    remove = chance.random(n) < likely
    whole = np.zeros(n, dtype=np.int64)
    known = History(
        np.arange(seed * n, (seed + 1) * n), whole + 1, np.arange(n) * 86, scores, whole, whole,
        whole, np.full(n, NONE, dtype=np.int8), whole, np.full(n, NONE, dtype=np.int8),
    )  # fmt: skip
    held = judge_all(known, NOW) == HELD
    looked = chance.random(n) < np.where(held, 1.0, audited)
    return known, Sample(held.astype(np.int64), looked, remove & looked), likely


def asked(site, goal):
    known, sample, _ = site
    return goals.propose(known, sample, goal, NOW, seconds_each=20.0, days=DAYS)


def test_what_is_proposed_keeps_its_promise_on_comments_of_another_month():
    goal = Goal(missed=0.03, agree=0.8)
    kept_goal, within = [], []
    for seed in range(20):
        proposal = asked(a_site(seed), goal)
        assert proposal.policy is not None

        known, _, likely = a_site(seed + 1000)
        judged = judge_all(known, proposal.policy)

        missed, rejected = likely[judged == PUBLISHED].mean(), likely[judged == REJECTED]
        kept_goal += [missed <= 0.03, not rejected.size or rejected.mean() >= 0.8]
        said = proposal.measured.miss_share
        within.append(said.low <= missed <= said.high)

    assert np.mean(kept_goal) >= 0.95
    assert np.mean(within) >= 0.9


def test_of_all_that_do_it_the_one_with_the_least_work_is_proposed():
    proposal = asked(a_site(3), Goal(missed=0.03))

    doing = [p for p in proposal.front if p.outcome.miss_share.high <= 0.03]
    assert proposal.measured.hours == min(p.outcome.hours for p in doing)


def test_a_limit_to_work_alone_is_used_for_the_fewest_misses():
    proposal = asked(a_site(3), Goal(hours=0.3))

    within = [p.outcome.misses.value for p in proposal.front if p.outcome.hours <= 0.3]
    assert proposal.measured.misses.value == min(within)


def test_who_asks_for_agreement_alone_keeps_what_is_held():
    proposal = asked(a_site(3), Goal(agree=0.5))

    assert proposal.policy.thresholds["toxicity"].hold == 0.3
    assert proposal.measured.reject_precision.low >= 0.5
    assert "agreement" in asked(a_site(6), Goal(agree=0.999)).why_not[0]


def test_one_label_alone_leaves_the_others_as_they_are():
    known, sample, _ = a_site(3)

    proposal = goals.propose(
        known, sample, Goal(hours=0.5), NOW, seconds_each=20.0, days=DAYS, only=["threat"]
    )  # fmt: skip

    assert proposal.policy.thresholds["toxicity"] == NOW.thresholds["toxicity"]
    assert proposal.policy.thresholds["threat"] != NOW.thresholds["threat"]


def test_along_the_front_more_work_means_fewer_misses():
    front = asked(a_site(4), Goal(missed=0.03)).front

    hours = [p.outcome.hours for p in front]
    misses = [p.outcome.misses.value for p in front]
    assert len(front) > 10
    assert hours == sorted(hours)
    assert misses == sorted(misses, reverse=True)


def test_goals_that_exclude_each_other_are_said_to():
    proposal = asked(a_site(5), Goal(missed=0.02, hours=0.2))

    assert proposal.policy is None
    assert "exclude each other" in proposal.why_not[0]
    assert proposal.front


def test_without_an_audit_the_page_asks_for_looks_and_names_no_thresholds():
    proposal = asked(a_site(6, audited=0.0), Goal(missed=0.01))

    assert proposal.policy is None
    assert "at least" in proposal.why_not[0]
    assert "more audited comments" in proposal.why_not[0]


def test_a_site_without_comments_gets_no_thresholds():
    known, sample, _ = a_site(1, n=0)

    proposal = goals.propose(known, sample, Goal(missed=0.01), NOW, seconds_each=20.0, days=1)

    assert proposal.policy is None
    assert proposal.why_not
