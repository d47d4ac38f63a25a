"""What is put together for simulations, and what may be said of texts that nobody looked at."""

from datetime import UTC, datetime

import numpy as np
import pytest

from moderation import audits, cases, decisions, outlook, policies
from moderation.audits import Shares, Stratum
from moderation.claims import SecondsPerDecision
from moderation.decisions import Kind
from moderation.history import HELD, KEEP, NONE, REJECTED, REMOVE, STRATA, UNDRAWN, History
from moderation.labels import NAMES
from moderation.outlook import SECONDS_EACH
from moderation.policy import Policy, Status, Threshold
from moderation.tables import Audit, Case
from moderation.worker import Worker

NOW = Policy({"toxicity": Threshold(0.5, 0.65), "threat": Threshold(0.6)})
STRICTER = Policy({"toxicity": Threshold(0.3, 0.65), "threat": Threshold(0.4)})
DAYS = 30
N = 16_000
SAID = ["What a lovely cup of tea.", "You stupid idiot, shut up.", "I disagree with you."]


def a_site(seed):
    """A month of a site: worse from day to day, audited more from its middle on.

    Readers report what is bad; what an audit removes before, they cannot. Moderators have
    not come to the last of what is held.
    """
    chance = np.random.default_rng(seed)
    scores = np.full((N, len(NAMES)), np.nan)
    toxicity, threat = chance.beta(0.5, 3.0, N), chance.beta(0.3, 5.0, N)
    scores[:, NAMES.index("toxicity")], scores[:, NAMES.index("threat")] = toxicity, threat
    day = np.sort(chance.random(N))
    bad = 1 - (1 - toxicity**1.4) * (1 - threat)
    likely = np.clip(bad * (0.6 + 0.8 * day), 0, 1)
    remove = chance.random(N) < likely
    verdict = np.select(
        [toxicity >= 0.65, (toxicity >= 0.5) | (threat >= 0.6)], [REJECTED, HELD], 0
    ).astype(np.int8)
    near = (verdict == 0) & ((toxicity >= 0.25) | (threat >= 0.3))
    stratum = np.select(
        [verdict == HELD, verdict == REJECTED, near],
        [STRATA.index(each) for each in (Stratum.HELD, Stratum.REJECTED, Stratum.NEAR)],
        STRATA.index(Stratum.PUBLISHED),
    ).astype(np.int8)
    share = np.select([verdict == HELD, verdict == REJECTED, near], [1.0, 0.7, 0.2], 0.05)
    share = np.where((day > 0.5) & (verdict == 0), share * 2, share)
    looked = chance.random(N) < np.where(verdict == HELD, 0.97, share)
    reported = (verdict == 0) & ~looked & remove & (chance.random(N) < 0.4)
    whole = np.zeros(N, dtype=np.int64)
    said = np.where(looked, np.where(remove, REMOVE, KEEP), NONE).astype(np.int8)
    people = np.where(reported, REMOVE, said).astype(np.int8)
    known = History(
        np.arange(N), whole + 1, (day * DAYS * 86_400).astype(np.int64), scores, whole, whole,
        whole, verdict, whole, people, stratum, share, said,
    )  # fmt: skip
    return known, remove, likely


def an_outlook(known):
    return outlook.made(
        known, SecondsPerDecision(0), until=datetime.fromtimestamp(DAYS * 86_400, UTC)
    )


def test_a_prediction_holds_what_as_many_more_comments_like_these_bring():
    inside = []
    for seed in range(20):
        known, _, likely = a_site(seed)
        for number, policy in enumerate((NOW, STRICTER)):
            said = outlook.predict(an_outlook(known), policy)
            judged = outlook.history.judge_all(known, policy)
            for time in range(2):
                chance = np.random.default_rng([seed, number, time])
                remove = chance.random(N) < likely
                many = {status: remove[judged == status].sum() for status in range(3)}
                texts = {status: (judged == status).sum() for status in range(3)}
                for estimate, truth in (
                    (said.misses, many[0] / DAYS),
                    (said.miss_share, many[0] / texts[0]),
                    (said.wrong_holds, (texts[HELD] - many[HELD]) / DAYS),
                    (said.wrong_rejects, (texts[REJECTED] - many[REJECTED]) / DAYS),
                    (said.recall, (many[HELD] + many[REJECTED]) / remove.sum()),
                ):
                    assert estimate.known
                    inside.append(estimate.low <= truth <= estimate.high)

    assert len(inside) == 400
    assert 0.93 <= np.mean(inside) <= 0.97


def test_what_is_reported_makes_the_rest_neither_better_nor_worse():
    errors = []
    for seed in range(20):
        known, remove, _ = a_site(seed)
        published = known.verdict == 0
        found = outlook.predict(an_outlook(known), NOW).misses.value * DAYS
        errors.append(found / remove[published].sum() - 1)

    assert abs(np.mean(errors)) < 0.05


def test_what_had_no_chance_to_be_looked_at_never_counts_as_clean():
    known, _, _ = a_site(1)
    early = (known.at < 10 * 86_400) & (known.verdict == 0)
    known.stratum[early], known.said[early] = UNDRAWN, NONE

    found = an_outlook(known)
    said = outlook.predict(found, NOW)

    assert found.undrawn == early.sum()
    assert not said.misses.known
    assert said.misses.missing >= 30
    assert said.wrong_holds.known
    assert found.drawn_since.timestamp() == pytest.approx(10 * 86_400, rel=0.01)
    # Of the time since, something is known.
    later = outlook.within(found, since=found.drawn_since)
    assert outlook.predict(later, NOW).misses.known
    assert later.days == pytest.approx(20, abs=0.1)


def test_the_newest_of_an_outlook_keep_the_time_they_came_in():
    known, _, _ = a_site(1)

    some = outlook.newest(an_outlook(known), 4000)

    assert len(some) == pytest.approx(4000, abs=5)
    assert some.days == pytest.approx(DAYS / 4, rel=0.05)
    assert outlook.predict(some, NOW).held == pytest.approx(
        outlook.predict(an_outlook(known), NOW).held, rel=0.1
    )


def test_few_that_nobody_could_look_at_widen_the_interval():
    known, _, _ = a_site(1)
    before = outlook.predict(an_outlook(known), NOW).misses
    some = np.flatnonzero(known.verdict == 0)[:50]
    known.stratum[some], known.said[some] = UNDRAWN, NONE

    after = outlook.predict(an_outlook(known), NOW).misses

    assert after.known
    assert after.high > before.high + 1
    assert after.low <= before.low + 0.5


@pytest.fixture
def audited(database, classifier):
    """Three texts, of which the published ones are audited: one is found bad, one not answered."""
    with database.writing() as session:
        audits.adopt(session, Shares(published=1.0, near=0.5), author=1, based_on=0)
    with database.writing() as session:
        ids = [cases.open_case(session, text, author=1, context=7) for text in SAID]
    Worker(database.writing, classifier).round()
    return ids


def read(database, **given):
    with database.reading() as session:
        classifier_id = policies.in_force(session).classifier_id
        return outlook.read(session, classifier_id, **given)


def test_what_an_audit_answers_counts_with_its_chance(database, audited):
    with database.writing() as session:
        for audit in session.query(Audit).filter(Audit.case_id == audited[0]):
            version = session.get_one(Case, audit.case_id).version
            decisions.judge_again(session, audit, Kind.REJECT, version=version, actor=9)

    found = read(database)

    tea, idiot, _ = range(3)
    assert found.history.said.tolist()[tea] == REMOVE
    assert found.sample.looked.tolist()[tea]
    assert found.sample.chance.tolist()[idiot] == 1.0
    assert found.history.stratum.tolist()[idiot] == STRATA.index(Stratum.HELD)
    assert found.history.stratum.tolist()[tea] == STRATA.index(Stratum.PUBLISHED)
    assert (found.seconds_each, found.measured) == (SECONDS_EACH, 0)


def test_a_report_tells_of_its_own_text_alone(database, classifier):
    with database.writing() as session:
        ids = [cases.open_case(session, text, author=1, context=7) for text in SAID]
    Worker(database.writing, classifier).round()
    with database.writing() as session:
        for kind, to in ((Kind.REPORT, None), (Kind.REJECT, Status.REJECTED)):
            version = session.get_one(Case, ids[0]).version
            decisions.decide(session, ids[0], kind, to, version=version, actor=9)

    found = read(database)

    assert found.history.people.tolist() == [REMOVE, NONE, NONE]
    assert found.sample.looked.tolist() == [False, False, False]
    assert found.undrawn == 2


def test_an_outlook_can_be_of_some_contexts_and_of_none(database, audited):
    assert len(read(database, contexts=[7])) == 3
    nothing = read(database, contexts=[8])

    assert len(nothing) == 0
    assert outlook.predict(nothing, NOW).published == 0
