"""What is kept of the texts, in columns: judged as the worker judges, counted as it decides."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from moderation import cases, decisions, history, policies, simulation
from moderation.decisions import Kind
from moderation.history import BIT, KEEP, NONE, PUBLISHED, REMOVE, STATUSES, History
from moderation.labels import NAMES
from moderation.policy import (
    DEFAULT,
    SIGNALS,
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
from moderation.reading import Evidence
from moderation.tables import Case
from moderation.worker import Worker

SCORE = st.one_of(
    st.just(float("nan")), st.sampled_from([0.0, 0.57, 0.29, 1.0]), st.floats(0.0, 1.0)
)
LIMIT = st.one_of(st.none(), st.sampled_from([0.0, 0.29, 0.57, 1.0]), st.floats(0.0, 1.0))


@st.composite
def thresholds(draw, limit=LIMIT):
    a, b = draw(limit), draw(limit)
    return Threshold(*sorted((a, b))) if None not in (a, b) else Threshold(a, b)


START = datetime(2026, 11, 1, tzinfo=UTC)
PATHS = ["", "life", "life/food", "lifestyle", "news"]


@st.composite
def overrides(draw):
    where, value = draw(
        st.one_of(
            st.tuples(st.just(Where.CONTEXT), st.integers(1, 3)),
            st.tuples(st.just(Where.SECTION), st.sampled_from(PATHS[1:])),
            st.tuples(st.just(Where.OLDER), st.integers(1, 3)),
            st.tuples(st.just(Where.GOOD), st.integers(1, 4)),
        )
    )
    until = draw(st.one_of(st.none(), st.integers(0, 5)))
    return Override(
        where,
        value,
        draw(st.dictionaries(st.sampled_from(NAMES), thresholds(), min_size=1)),
        None if until is None else START + timedelta(seconds=until),
    )


@st.composite
def a_policy(draw):
    return Policy(
        draw(st.dictionaries(st.sampled_from(NAMES), thresholds())),
        draw(st.sampled_from(Mode)),
        draw(
            st.fixed_dictionaries(
                {}, optional={code: st.sampled_from(kind.may) for code, kind in SIGNALS.items()}
            )
        ),
        draw(st.dictionaries(st.sampled_from([*SIGNALS]), st.integers(1, 4))),
        draw(st.lists(overrides(), max_size=5, unique_by=lambda one: one.precedence)),
    )


@st.composite
def texts(draw):
    rows = draw(
        st.lists(
            st.tuples(
                st.tuples(*[SCORE] * len(NAMES)),
                st.sets(st.sampled_from([*SIGNALS, "pre_moderation"])),
                st.integers(0, 5),
                st.sampled_from([NONE, KEEP, REMOVE]),
                st.integers(0, 4),
                st.integers(0, 4),
                st.sampled_from(range(len(PATHS))),
            ),
            max_size=6,
        )
    )
    n = len(rows)
    return History(
        case_id=np.arange(n),
        revision=np.ones(n, dtype=np.int64),
        at=np.arange(n) + int(START.timestamp()),
        scores=np.array([row[0] for row in rows]).reshape(n, len(NAMES)),
        signals=np.array(
            [sum(BIT.get(code, 1 << len(SIGNALS)) for code in row[1]) for row in rows],
            dtype=np.int64,
        ),
        good=np.array([row[2] for row in rows], dtype=np.int64),
        context=np.array([row[4] for row in rows], dtype=np.int64),
        verdict=np.full(n, NONE, dtype=np.int8),
        version=np.zeros(n, dtype=np.int64),
        people=np.array([row[3] for row in rows], dtype=np.int8),
        section=np.array([row[6] for row in rows], dtype=np.int64),
        older=np.array([row[5] for row in rows], dtype=np.int64),
        sections=dict(enumerate(PATHS)),
    ), [
        (
            [Signal(code, "", row[2]) for code in row[1]],
            Scope(PATHS[row[6]], row[4], row[5], row[2], START + timedelta(seconds=place + 0.5)),
        )
        for place, row in enumerate(rows)
    ]


@given(texts(), a_policy())
def test_all_at_once_are_judged_as_each_alone(made, policy):
    known, beside = made

    found = [STATUSES[code] for code in history.judge_all(known, policy)]

    assert found == [
        judge(dict(zip(NAMES, row, strict=True)), signals, policy, scope).status
        for row, (signals, scope) in zip(known.scores.tolist(), beside, strict=True)
    ]


@given(
    texts(),
    a_policy(),
    st.sampled_from(NAMES),
    thresholds(st.one_of(st.none(), st.integers(0, 1000).map(lambda n: n / 1000))),
)
def test_counts_under_a_handle_are_those_of_the_policy_it_stands_for(made, policy, label, limits):
    known, _ = made
    then = replace(policy, thresholds={**policy.thresholds, label: limits})

    counts = simulation.tradeoff(known, policy, label).at(limits.hold, limits.reject)

    judged = history.judge_all(known, then)
    for status in range(3):
        for people in (NONE, KEEP, REMOVE):
            among = (judged == status) & (known.people == people)
            assert counts[status, people - NONE] == among.sum()


def test_history_keeps_what_was_decided_by_whom(database, classifier):
    said = ["What a lovely cup of tea.", "You stupid idiot, shut up.", "You idiot, be quiet."]
    with database.writing() as session:
        ids = [cases.open_case(session, text, author=1, context=7) for text in said]
    worker = Worker(database.writing, classifier)
    worker.round()
    with database.writing() as session:
        for case_id, kind, to in (
            (ids[1], Kind.REJECT, Status.REJECTED),
            (ids[2], Kind.REJECT, Status.REJECTED),
        ):
            version = session.get_one(Case, case_id).version
            done = decisions.decide(session, case_id, kind, to, version=version, actor=9)
        decisions.undo(session, done.id, actor=9)

    with database.reading() as session:
        in_force = policies.in_force(session)
        known = history.read(session, in_force.classifier_id)

    assert known.case_id.tolist() == ids
    assert known.people.tolist() == [NONE, REMOVE, NONE]
    assert known.context.tolist() == [7, 7, 7]
    assert set(known.version.tolist()) == {in_force.id}
    # Simulated, the policy in force gives the verdicts that were recorded, one by one.
    assert known.verdict.tolist() == history.judge_all(known, in_force.policy).tolist()


def test_each_version_gives_the_verdicts_that_were_recorded_under_it(database, classifier):
    said = [
        "What a lovely cup of tea.", "You stupid idiot, shut up.", "You idiot, be quiet.",
        "شكرا جزيلا على المقال", "I will find you and hurt you.", "Read https://tea.example today.",
        "Shut your filthy mouth.", "I disagree with you.",
    ]  # fmt: skip
    worker = Worker(database.writing, classifier)
    for reject, means in ((None, Means.HOLD), (0.9, Means.NOTHING)):
        with database.writing() as session:
            current = policies.in_force(session)
            limits = {name: Threshold(0.05, reject) for name in NAMES}
            then = Policy(limits, signals={"outside_languages": means})
            policies.adopt(session, then, author=1, based_on=current.id)
        with database.writing() as session:
            for text in said:
                cases.open_case(session, text, author=1, context=7)
        worker.round()

    with database.reading() as session:
        known = history.read(session, policies.in_force(session).classifier_id)
        versions = {number: policies.version(session, number) for number in (2, 3)}

    assert sorted(known.version.tolist()) == [2] * len(said) + [3] * len(said)
    for number, version in versions.items():
        its = known.where(known.version == number)
        assert its.verdict.tolist() == history.judge_all(its, version.policy).tolist()
        assert len(set(its.verdict.tolist())) == (2 if number == 2 else 3)


def test_what_a_text_stood_in_is_kept_and_judged_by_again(database, classifier, clock):
    mild = "You stupid idiot, shut up."
    lenient = dict.fromkeys(NAMES, Threshold())
    until = clock.now + timedelta(hours=1)
    policy = replace(
        DEFAULT,
        overrides=[
            Override(Where.SECTION, "life", lenient),
            Override(Where.CONTEXT, 8, {"insult": Threshold(hold=0.0)}, until, name="Tea"),
            Override(Where.OLDER, 3, lenient),
        ],
    )
    places = {7: ("life/food", 0), 8: ("life", 0), 9: ("news", 3), 10: ("news", 2)}

    def witness(session, case_ids):
        found = {}
        for case_id in case_ids:
            section, older = places[session.get_one(Case, case_id).context]
            found[case_id] = Evidence(section=section, older=older)
        return found

    with database.writing() as session:
        policies.adopt(session, policy, author=1, based_on=policies.in_force(session).id)
    worker = Worker(database.writing, classifier, witness=witness)
    for hours in (0, 2):
        clock.turn(hours=hours)
        with database.writing() as session:
            for context in places:
                cases.open_case(session, mild, author=1, context=context)
        worker.round()

    with database.reading() as session:
        in_force = policies.in_force(session)
        known = history.read(session, in_force.classifier_id)
        ground = cases.grounds(session, [2, 6])
    said = [finding["place"] for finding in ground[2].decision.findings if "place" in finding]

    first, later = known.verdict.tolist()[:4], known.verdict.tolist()[4:]
    assert [STATUSES[code].value for code in first] == ["published", "held", "published", "held"]
    assert [STATUSES[code].value for code in later] == [
        "published",
        "published",
        "published",
        "held",
    ]
    assert said == ["the article “Tea”"]
    assert ground[2].places == {
        "the article “Tea”": ["insult"],
        "the section life": [name for name in NAMES if name != "insult"],
    }
    assert ground[6].places == {"the section life": [*NAMES]}
    assert known.verdict.tolist() == history.judge_all(known, in_force.policy).tolist()


def test_a_site_without_scores_has_an_empty_history(database):
    with database.reading() as session:
        known = history.read(session, policies.in_force(session).classifier_id)

    assert len(known) == 0
    assert simulation.compare(known, Policy(), Policy()).changed == 0


def test_texts_that_change_side_come_nearest_to_the_line_first():
    scores = np.full((4, len(NAMES)), 0.0)
    scores[:, 0] = [0.5, 0.9, 0.31, 0.1]
    n = len(scores)
    zeros = np.zeros(n, dtype=np.int64)
    known = History(
        np.arange(n), zeros, zeros, scores, zeros, zeros, zeros, zeros.astype(np.int8), zeros,
        zeros.astype(np.int8),
    )  # fmt: skip
    now, then = Policy({NAMES[0]: Threshold(0.95)}), Policy({NAMES[0]: Threshold(0.3)})

    rows, before, after, distance = simulation.changed(known, now, then)

    assert rows.tolist() == [2, 1, 0]
    assert set(before.tolist()) == {PUBLISHED}
    assert [STATUSES[code] for code in after] == [Status.HELD] * 3
    assert np.allclose(distance, [0.01, 0.05, 0.2])


def test_a_signal_that_means_nothing_changes_nothing_in_columns():
    lenient = Policy(signals=dict.fromkeys(SIGNALS, Means.NOTHING))
    n = 1
    known = History(
        *(np.zeros(n, dtype=np.int64) for _ in range(3)),
        np.zeros((n, len(NAMES))),
        np.array([sum(BIT.values())]),
        *(np.zeros(n, dtype=np.int64) for _ in range(2)),
        np.zeros(n, dtype=np.int8),
        np.zeros(n, dtype=np.int64),
        np.zeros(n, dtype=np.int8),
    )

    assert history.judge_all(known, lenient).tolist() == [PUBLISHED]
