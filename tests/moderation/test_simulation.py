"""What a policy would have done: the same judge, the kept scores."""

import pytest

from moderation import cases, history, policies, review_queue, simulation
from moderation.labels import NAMES
from moderation.policy import DEFAULT, Means, Policy, Status, Threshold
from moderation.worker import Worker


@pytest.fixture
def scored(database, classifier):
    texts = ["What a lovely cup of tea.", "You stupid idiot, shut up.", "I disagree with you."]
    with database.writing() as session:
        for text in texts:
            cases.open_case(session, text, author=1, context=1)
    Worker(database.writing, classifier).round()
    with database.reading() as session:
        return history.read(session, policies.in_force(session).classifier_id)


def test_the_policy_in_force_gives_the_verdicts_that_were_recorded(database, scored):
    comparison = simulation.compare(scored, DEFAULT, DEFAULT)

    assert comparison.changed == 0
    assert comparison.now == {Status.PUBLISHED: 2, Status.HELD: 1, Status.REJECTED: 0}
    with database.reading() as session:
        assert review_queue.counts(session) == {Status.HELD: 1}
        assert policies.in_force(session).policy == DEFAULT


def test_a_stricter_policy_holds_more(scored):
    strict = Policy({"toxicity": Threshold(hold=0.0)})

    comparison = simulation.compare(scored, DEFAULT, strict)

    assert comparison.then[Status.HELD] == 3
    assert comparison.changed == 2


def test_histograms_count_every_kept_score_once(scored):
    histograms = simulation.histograms(scored)

    assert set(histograms) == set(NAMES)
    assert {histogram.total for histogram in histograms.values()} == {3}


def test_a_site_without_scores_has_no_histograms(database):
    with database.reading() as session:
        assert (
            simulation.histograms(history.read(session, policies.in_force(session).classifier_id))
            == {}
        )


def test_signals_are_weighed_as_each_policy_says(database, classifier):
    with database.writing() as session:
        cases.open_case(session, "شكرا جزيلا على المقال", author=1, context=1)
    Worker(database.writing, classifier).round()
    with database.reading() as session:
        kept = history.read(session, policies.in_force(session).classifier_id)
    none = Policy({"toxicity": Threshold()})
    lenient = Policy(none.thresholds, signals={"outside_languages": Means.NOTHING})

    comparison = simulation.compare(kept, none, lenient)

    assert comparison.now[Status.HELD] == 1
    assert comparison.then[Status.PUBLISHED] == 1
