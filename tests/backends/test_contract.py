"""What every classifier promises, whichever backend runs it."""

import re
from collections.abc import Sequence

import pytest

from moderation import labels
from moderation.classifier import Classifier
from moderation.policy import DEFAULT

# From here on the shipped policy holds an insult.
HELD = DEFAULT.thresholds["insult"].hold
INSULT = "You are a stupid fucking idiot."
HARMLESS = (
    "The council will vote on the new bus line next week, and the paper said that the plan had "
    "changed twice since spring. I hope they keep the stop at the library. "
)


# A dozen windows and more.
LONG = 6_000


def close(one: object, other: object) -> bool:
    return one == pytest.approx(other, abs=0.01)


def test_one_text_gets_a_probability_for_every_label(classifier: Classifier) -> None:
    (scores,) = classifier.score(["The bus was late again."])

    assert tuple(scores) == classifier.labels
    assert all(isinstance(score, float) and 0 <= score <= 1 for score in scores.values())


def test_labels_are_ours_and_the_version_names_the_weights(classifier: Classifier) -> None:
    assert classifier.labels == labels.NAMES
    assert classifier.name
    assert re.fullmatch(r"[0-9a-f]{12}", classifier.version)


def test_an_insult_scores_above_thanks(classifier: Classifier) -> None:
    insult, thanks = classifier.score([INSULT, "Thank you, that was a good article."])

    assert insult["toxicity"] > 0.8
    assert thanks["toxicity"] < 0.2
    assert insult["insult"] > 0.5 > thanks["insult"]


def test_many_texts_keep_their_order_and_score_as_they_do_alone(classifier: Classifier) -> None:
    texts = [
        "Thanks.",
        INSULT,
        "",
        HARMLESS * 3,
        "Go to hell, all of you.",
        "Why is the gate still shut?",
        *(f"I took bus {number} this morning." for number in range(6)),
    ]

    together = classifier.score(texts)

    assert len(together) == len(texts)
    for text, scores in zip(texts, together, strict=True):
        assert close(scores, classifier.score([text])[0]), text


def test_no_texts_get_no_scores(classifier: Classifier) -> None:
    assert classifier.score([]) == []


@pytest.mark.parametrize("texts", [[""], ["   \n\t "], ["", ""]])
def test_an_empty_text_is_scored_as_such(classifier: Classifier, texts: Sequence[str]) -> None:
    found = classifier.score(texts)

    assert len(found) == len(texts)
    assert all(0 <= score < 0.9 for scores in found for score in scores.values())


def test_an_insult_at_the_end_of_a_long_text_is_found(classifier: Classifier) -> None:
    long = (HARMLESS * 200)[: LONG - len(INSULT)]

    plain, insulting = classifier.score([long, long + INSULT])

    assert plain["insult"] < 0.3
    assert insulting["insult"] >= HELD


def test_an_insult_in_the_middle_of_a_long_text_is_found(classifier: Classifier) -> None:
    half = (HARMLESS * 100)[: LONG // 2]

    (scores,) = classifier.score([half + " " + INSULT + " " + half])

    assert scores["insult"] >= HELD


@pytest.mark.parametrize(
    "text",
    ["a" * LONG, "😡" * LONG, "\u200b" * LONG, "傻" * 1_000, "é" * 1_000],
    ids=["letters", "emoji", "invisible", "Chinese", "accents"],
)
def test_thousands_of_characters_without_a_space_are_read(
    classifier: Classifier, text: str
) -> None:
    (scores,) = classifier.score([text])

    assert all(0 <= score <= 1 for score in scores.values())


def test_an_insult_hidden_in_a_word_too_long_for_a_tokenizer_is_read(
    classifier: Classifier,
) -> None:
    (scores,) = classifier.score(["fuckyou" * 40])

    assert scores["obscene"] > 0.5


@pytest.mark.parametrize(
    "text",
    [
        "🙂",
        "👩‍👩‍👧‍👦 ❤️ 🏳️‍🌈",
        "شكرا جزيلا على المقال",
        "תודה על הכתבה",
        "記事をありがとう",
        "\x00\x07 control",
        "\ud83d half a pair",
        "\ufeff\u202eright to left",
    ],
    ids=["emoji", "joined", "Arabic", "Hebrew", "Japanese", "control", "surrogate", "marks"],
)
def test_any_writing_is_scored(classifier: Classifier, text: str) -> None:
    (scores,) = classifier.score([text])

    assert tuple(scores) == classifier.labels
    assert all(0 <= score <= 1 for score in scores.values())


def test_the_backends_agree_on_the_same_weights(
    encoder_alone: Classifier, detoxify: Classifier
) -> None:
    texts = [
        INSULT,
        HARMLESS,
        "",
        "I disagree, and here is why.",
        "What a load of rubbish this government is.",
        "I will find you and kill you.",
        "Go back to where you came from.",
        "Nobody asked you, moron.",
        "I am a gay man.",
        "Shut up.",
        "Great photo!",
        "The damn bus is late again.",
    ]

    apart = [
        abs(one[label] - other[label])
        for one, other in zip(encoder_alone.score(texts), detoxify.score(texts), strict=True)
        for label in encoder_alone.labels
    ]

    assert sum(apart) / len(apart) <= 0.02
