"""Which words carry a score: on a classifier that we see through, and on the one that ships."""

import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation import evaluation, marks
from moderation.evaluation import EvaluationRefused, Labelled
from moderation.explain import PART, Why, explain

RUDE = {"idiot": 5.0, "moron": 5.0, "stupid": 2.0}


class Seen:
    """Adds up what each word weighs, as a linear model does."""

    name, version, labels, scripts = "seen", "0" * 12, ("toxicity", "threat"), ("Latin",)

    def __init__(self):
        self.asked = []

    def score(self, texts):
        self.asked.append(list(texts))
        return [{"toxicity": self.of(text, RUDE), "threat": self.of(text, {})} for text in texts]

    def of(self, text, weights):
        logit = -4 + sum(weights.get(word.strip('.,!"“”').lower(), 0.0) for word in text.split())
        return float(1 / (1 + np.exp(-logit)))


def carrying(text, classifier=None, label="toxicity"):
    why = explain(classifier or Seen(), text, [label])[label]
    return [text[start:end] for start, end in why.spans]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("You idiot.", ["idiot"]),
        ("Idiot!", ["Idiot"]),
        ("The “idiot”, she said, and the MORON too.", ["idiot", "MORON"]),
        ("No doubt a good day for tea.", []),
        ("You are what you are", []),
        ("", []),
        ("🙂 !!!", []),
        # As typed, whatever the disguise.
        ("You i\u200bd\u200bi\u200bo\u200bt, you.", ["i\u200bd\u200bi\u200bo\u200bt"]),
        ("Well, i d i o t it is", ["i d i o t"]),
        ("What an 1d10t he is", ["1d10t"]),
        ("Oh you іdіоt there", ["іdіоt"]),
    ],
)
def test_the_words_that_carry_the_score_are_found_as_they_were_typed(text, words):
    assert carrying(text) == words


def test_a_label_that_nothing_speaks_for_has_no_words():
    assert explain(Seen(), "You idiot.", ["threat"]) == {"threat": Why()}
    assert explain(Seen(), "You idiot.", []) == {}


def test_of_a_long_text_the_part_is_shown_that_scores_highest():
    tea = "milk goes in first says half of the town and the other half writes letters "
    text = tea * 30 + "you stupid moron " + tea * 30

    why = explain(Seen(), text, ["toxicity"])["toxicity"]

    assert why.part
    assert "you stupid moron" in text[slice(*why.part)]
    assert len(text[slice(*why.part)].split()) == PART
    assert "moron" in [text[start:end] for start, end in why.spans]


def test_every_word_of_a_long_text_is_in_some_part():
    for words in (PART - 1, PART, PART + 1, 2 * PART, 3 * PART + 7):
        text = " ".join(["tea"] * (words - 1) + ["moron"])
        assert carrying(text) == ["moron"]


def test_what_is_asked_of_the_classifier_grows_with_the_text_and_no_faster():
    classifier = Seen()
    explain(classifier, " ".join(f"word{n}" for n in range(60)), classifier.labels)

    assert sum(map(len, classifier.asked)) <= 1 + 61 + 2 * 4


def test_what_was_found_is_the_same_after_it_was_kept():
    for why in (Why(), Why(((1, 4), (9, 12)), (0, 40))):
        assert Why.from_json(why.to_json()) == why


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_explained_within_its_bounds(text):
    for start, end in explain(Seen(), text + " idiot", ["toxicity"])["toxicity"].spans:
        assert 0 <= start < end <= len(text) + 6


@pytest.mark.parametrize(
    "text",
    [
        "شكرا يا أحمق على المقال",
        "😡 you idiot 😡",
        "你是白痴",
        "you \u202etoidi\u202c there",
        "a" * 3000,
        "half a pair \ud83d you idiot",
    ],
)
def test_any_writing_is_explained_by_the_classifier_that_ships(text, classifier):
    found = explain(classifier, text, classifier.labels)

    assert set(found) == set(classifier.labels)
    for why in found.values():
        assert all(0 <= start < end <= len(text) for start, end in why.spans)


def test_the_classifier_that_ships_names_the_insult(classifier):
    text = "I read the article twice, and whoever wrote it is a stupid idiot."

    assert "idiot" in carrying(text, classifier)
    assert "article" not in carrying(text, classifier)


def labelled(*pairs):
    texts, places = zip(*pairs, strict=True)
    return Labelled("some", list(texts), {}, np.ones(len(texts)), list(map(frozenset, places)))


@pytest.mark.parametrize(
    ("text", "places", "agreed"),
    [
        ("You idiot.", range(4, 9), 1.0),
        ("You idiot.", range(9), 10 / 14),
        ("You idiot.", (), 0.0),
        ("Good tea.", (), 1.0),
        ("Good tea.", range(4), 0.0),
    ],
)
def test_agreement_is_the_f1_of_the_characters(text, places, agreed):
    assert evaluation.span_f1(Seen(), labelled((text, places))) == pytest.approx(agreed)


def test_a_file_with_spans_is_measured_beside_its_mark(tmp_path):
    file = tmp_path / "toxic_spans.csv.gz"
    with gzip.open(file, "wt", encoding="utf-8") as lines:
        lines.write('text,toxicity,spans\nYou idiot.,,"[4, 5, 6, 7, 8]"\nGood tea.,,[]\n')

    (figure,) = marks.measure(Seen(), evaluation.read(file), suites=["spans"]).figures

    assert (figure.value, figure.met) == (1.0, True)


def test_spans_that_are_no_places_are_refused(tmp_path):
    file = tmp_path / "spans.csv"
    file.write_text('text,spans\nYou idiot.,"idiot"\n', encoding="utf-8")

    with pytest.raises(EvaluationRefused, match="line 2"):
        evaluation.read(file)


def test_among_many_insults_each_is_marked():
    insults = [f"idiot{'!' * n}" for n in range(1, 9)]

    assert carrying("Hear hear, " + " ".join(insults)) == ["idiot"] * 8


def test_an_insult_in_another_part_of_a_long_text_is_marked_too():
    tea = "milk goes in first says half of the town and the other half writes letters "
    text = "you idiot " + tea * 30 + "you stupid moron idiot " + tea * 30

    why = explain(Seen(), text, ["toxicity"])["toxicity"]

    assert [text[start:end] for start, end in why.spans] == ["idiot", "moron", "idiot"]
    assert "stupid moron" in text[slice(*why.part)]
