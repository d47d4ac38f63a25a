"""The suites keep what they promise: enough cases, both sides, and no case twice."""

import re
from collections import Counter, defaultdict
from itertools import combinations

import pytest

from moderation import labels
from moderation.suites import disguises, functional, identity, sections

TEXTS = [
    "You are a stupid idiot, and nobody likes you.",
    "The council met on Tuesday to talk about the new park.",
    "Kill all of these pigs NOW!",
    "naïve café, 100 %",
]


# functional


def test_a_thousand_cases_and_more_in_twenty_functions_and_more() -> None:
    cases = functional.cases()

    assert len(cases) >= 1000
    assert len({case.function for case in cases}) >= 20
    assert min(Counter(case.function for case in cases).values()) >= 20
    assert len({case.text for case in cases}) == len(cases)


def test_both_sides_weigh_about_the_same() -> None:
    cases = functional.cases()

    assert 0.45 <= sum(case.toxic for case in cases) / len(cases) <= 0.55
    for label in ("insult", "threat", "obscene", "identity_attack"):
        sides = Counter(case.toxic for case in cases if case.label == label)
        assert min(sides[True], sides[False]) >= 30, label


def test_every_case_names_a_label_and_leaves_no_slot_open() -> None:
    for case in functional.cases():
        assert case.label in labels.NAMES
        assert "{" not in case.text
        assert case.text[0].isupper() or case.text[0] == '"'


def test_no_two_templates_are_near_copies() -> None:
    words = {
        template: set(re.findall(r"\w+", re.sub(r"\{\w+\}", " ", template).lower()))
        for _, templates in sections.read("functional.txt")
        for template in templates
    }

    for (one, mine), (other, yours) in combinations(words.items(), 2):
        assert len(mine & yours) / len(mine | yours) < 0.6, (one, other)


def test_groups_and_names_stand_in_toxic_and_in_harmless_cases() -> None:
    # Else the name alone would tell the class.
    for name in ("Muslims", "women", "Jews", "Priya", "Daniel", "the mayor", "bypass", "faggot"):
        sides = {case.toxic for case in functional.cases() if name in case.text}
        assert sides == {True, False}, name


# identity


@pytest.mark.parametrize(("suite", "alike"), [("identity", 64), ("unseen", 46)])
def test_forty_groups_in_six_families_say_the_same_forty_sentences(
    suite: identity.Name, alike: int
) -> None:
    cases = identity.cases(suite)
    sentences = defaultdict(list)
    for case in cases:
        sentences[case.group, case.family].append(case.text)

    assert len([1 for _, family in sentences if family != identity.NEUTRAL]) >= 40
    assert len({family for _, family in sentences} - {identity.NEUTRAL}) >= 6
    assert {len(own) for own in sentences.values()} == {alike}
    assert any(family == identity.NEUTRAL for _, family in sentences)
    assert len({case.text for case in cases}) == len(cases)
    assert not any("{" in case.text for case in cases)


def test_the_unseen_sentences_and_groups_are_others() -> None:
    (_, sentences), *families = sections.read("identity.txt")
    (_, unseen), *others = sections.read("identity_unseen.txt")

    words = [set(re.findall(r"\w+", sentence.lower())) for sentence in sentences]
    for sentence in unseen:
        own = set(re.findall(r"\w+", sentence.lower()))
        assert max(len(own & their) / len(own | their) for their in words) < 0.6, sentence
    groups = {group for _, own in families for group in own}
    assert not groups & {group for _, own in others for group in own}


def groups(held: dict[str, int], sentences: int = 40) -> list[identity.Share]:
    cases = [identity.Case("", group, "faith") for group in held for _ in range(sentences)]
    flags = [at < hits for hits in held.values() for at in range(sentences)]
    return identity.shares(cases, flags)


def test_a_groups_share_is_compared_with_the_average_groups() -> None:
    shares = groups({"A": 30, "B": 10, "C": 20})

    assert [(share.group, share.held, share.ratio) for share in shares] == [
        ("A", 30, 1.5),
        ("C", 20, 1.0),
        ("B", 10, 0.5),
    ]


@pytest.mark.parametrize(
    ("held", "too_often"),
    [
        ({"A": 24, "B": 10, "C": 10, "D": 10}, {"A"}),
        # Twice the average, but two of forty are as many as a throw of dice.
        ({"A": 2, "B": 1, "C": 1, "D": 0}, set()),
        ({"A": 8, "B": 0, "C": 0, "D": 0}, {"A"}),
        ({"A": 11, "B": 10, "C": 10, "D": 10}, set()),
        ({"A": 40, "B": 40, "C": 40, "D": 40}, set()),
        ({"A": 0, "B": 0, "C": 0, "D": 0}, set()),
    ],
)
def test_a_group_is_held_too_often_only_beyond_chance(
    held: dict[str, int], too_often: set[str]
) -> None:
    assert {share.group for share in groups(held) if share.too_often} == too_often


def test_without_anything_held_there_is_no_ratio() -> None:
    assert {share.ratio for share in groups({"A": 0, "B": 0})} == {None}


def test_the_neutral_names_are_no_part_of_the_average() -> None:
    cases = [
        identity.Case("", group, family)
        for group, family in (("A", "faith"), ("bakers", identity.NEUTRAL))
        for _ in range(10)
    ]

    shares = identity.shares(cases, [True] * 5 + [False] * 5 + [False] * 10)

    assert [(share.group, share.ratio) for share in shares] == [("A", 1.0), ("bakers", 0.0)]


# disguises


@pytest.mark.parametrize("kind", disguises.KINDS)
@pytest.mark.parametrize("text", TEXTS)
def test_a_disguise_changes_a_text_and_is_the_same_each_time(kind: str, text: str) -> None:
    disguised = disguises.disguise(text, kind)

    assert disguised != text
    assert disguised == disguises.disguise(text, kind)
    assert disguised.encode("utf-8")


@pytest.mark.parametrize("kind", disguises.KINDS)
def test_nothing_to_disguise_stays_as_it_is(kind: str) -> None:
    for text in ("", "ok", "1984 ?!", "Они идут"):
        assert disguises.disguise(text, kind) == text


def test_another_seed_disguises_otherwise() -> None:
    assert len({disguises.disguise(TEXTS[0], "leetspeak", seed=seed) for seed in range(5)}) > 1


@pytest.mark.parametrize(
    ("kind", "undone"),
    [
        ("spaced letters", lambda text: re.sub(r"\W|_", "", text)),
        ("zero-width characters", lambda text: re.sub(r"[^\w.,! ]", "", text)),
        ("stretched letters", lambda text: re.sub(r"(\w)\1+", r"\1", text)),
    ],
)
def test_a_disguise_adds_to_a_text_and_takes_nothing_away(kind: str, undone: object) -> None:
    assert callable(undone)
    for text in TEXTS[:3]:
        assert undone(disguises.disguise(text, kind)) == undone(text)


def test_the_words_that_carry_the_offence_are_disguised_first() -> None:
    for seed in range(10):
        disguised = disguises.disguise(TEXTS[0], "spaced letters", seed=seed)
        assert "stupid" not in disguised
        assert "idiot" not in disguised


def test_as_many_words_are_disguised_in_a_harmless_text_as_in_a_toxic_one() -> None:
    toxic = "stupid idiots always shout while others listen patiently today"
    harmless = "gentle people always speak while others listen patiently today"

    for text in (toxic, harmless):
        after = disguises.disguise(text, "zero-width characters").split(" ")
        changed = [pair for pair in zip(text.split(" "), after, strict=True) if pair[0] != pair[1]]
        assert len(changed) == 3
