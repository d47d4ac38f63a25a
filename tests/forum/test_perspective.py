"""The Perspective API's words: what is read, how it is scored, what is refused in which words."""

import contextlib
import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forum.perspective import ATTRIBUTES, LONGEST, MOST_SPANS, Refused, question, suggestion
from moderation.classifier import Classifier
from moderation.desk import Scored
from moderation.labels import NAMES, Scores

Ask = Callable[..., dict[str, Any]]


def body(text: Any = "Good morning.", **more: Any) -> bytes:
    asked = {"comment": {"text": text}, "requestedAttributes": {"TOXICITY": {}}}
    return json.dumps(asked | more).encode()


@pytest.fixture
def ask(classifier: Classifier) -> Ask:
    """Ask and have it answered by the shipped classifier."""

    def answered(text: Any = "Good morning.", **more: Any) -> dict[str, Any]:
        asked = question(body(text, **more))
        return asked.answer(Scored(classifier.score(asked.texts), classifier))

    return answered


def refusal(ask: Callable[..., Any], *text: Any, **more: Any) -> tuple[str, str]:
    """Return the message and the kind of error that Perspective's clients look at."""
    with pytest.raises(Refused) as refused:
        ask(*text, **more)
    (detail,) = refused.value.details
    return refused.value.message, detail.get("errorType", "")


# scores


def test_a_comment_gets_a_probability_for_the_attribute(ask: Ask, classifier: Classifier) -> None:
    text = "You are a pathetic idiot."
    (scores,) = classifier.score([text])

    assert ask(text) == {
        "attributeScores": {
            "TOXICITY": {
                "spanScores": [
                    {
                        "begin": 0,
                        "end": len(text),
                        "score": {"value": scores["toxicity"], "type": "PROBABILITY"},
                    }
                ],
                "summaryScore": {"value": scores["toxicity"], "type": "PROBABILITY"},
            }
        },
        "languages": ["en"],
    }


def test_each_attribute_is_a_label_of_ours(ask: Ask, classifier: Classifier) -> None:
    text = "Fuck off or I will kill you."
    ours = {name: label for name, label in ATTRIBUTES.items() if label in classifier.labels}
    (scores,) = classifier.score([text])

    answered = ask(text, requestedAttributes={name: {} for name in ours})["attributeScores"]

    assert set(ours.values()) == set(classifier.labels)
    for name, label in ours.items():
        assert answered[name]["summaryScore"]["value"] == scores[label]
    assert scores["obscene"] == answered["PROFANITY"]["summaryScore"]["value"] > 0.5


class Like:
    """The shipped classifier as another model would be."""

    def __init__(self, classifier: Classifier, **other: Any) -> None:
        self.name, self.version = "other", "0"
        self.labels: tuple[str, ...] = other.get("labels", classifier.labels)
        self.scripts: tuple[str, ...] = other.get("scripts", classifier.scripts)
        self._classifier = classifier

    def score(self, texts: Sequence[str]) -> list[Scores]:
        return [
            {label: scores[label] for label in self.labels}
            for scores in self._classifier.score(texts)
        ]


def test_an_attribute_that_the_model_does_not_have_is_unknown(classifier: Classifier) -> None:
    six = Like(classifier, labels=NAMES[:6])
    asked = question(body(requestedAttributes={"TOXICITY": {}, "SEXUALLY_EXPLICIT": {}}))

    with pytest.raises(Refused, match="Unknown requested attribute: SEXUALLY_EXPLICIT"):
        asked.answer(Scored(six.score(asked.texts), six))


def test_scores_below_their_threshold_are_left_out(ask: Ask) -> None:
    attributes = {"TOXICITY": {"scoreThreshold": 0.5}, "THREAT": {"scoreThreshold": 0.99}}

    scores = ask(
        "You are an idiot. Good morning.", requestedAttributes=attributes, spanAnnotations=True
    )["attributeScores"]

    assert list(scores) == ["TOXICITY"]
    assert [(one["begin"], one["end"]) for one in scores["TOXICITY"]["spanScores"]] == [(0, 17)]


# spans


def spans(ask: Ask, text: str) -> list[tuple[int, int]]:
    scores = ask(text, spanAnnotations=True)["attributeScores"]["TOXICITY"]
    return [(one["begin"], one["end"]) for one in scores["spanScores"]]


def test_each_sentence_is_scored_by_itself(ask: Ask, classifier: Classifier) -> None:
    scores = ask("What kind of idiot name is foo? Sorry, I like it.", spanAnnotations=True)

    first, second = scores["attributeScores"]["TOXICITY"]["spanScores"]
    assert (first["begin"], first["end"]) == (0, 31)
    assert (second["begin"], second["end"]) == (32, 49)
    (alone,) = classifier.score(["Sorry, I like it."])
    assert second["score"]["value"] == alone["toxicity"]


@pytest.mark.parametrize(
    "text",
    [
        'One.  Two!\n\nThree… "Four?" five',
        "No end at all",
        "  A blank before. And after.  ",
        "你好。再见。 Yes.",
        "😀 An emoji. 👩‍👩‍👧 A family! 𝔸 letter?",
        "Line\r\nline\u2028line",
        "...!!! ??? .",
    ],
)
def test_spans_count_as_javascript_does_and_cover_all_that_is_no_blank(ask: Ask, text: str) -> None:
    units = text.encode("utf-16-le")
    found = [
        (begin, end, units[2 * begin : 2 * end].decode("utf-16-le"))
        for begin, end in (spans(lambda *a, **k: ask(*a, **k, languages=["en"]), text))
    ]

    assert all(said == said.strip() and said for _, _, said in found)
    assert "".join("".join(said for _, _, said in found).split()) == "".join(text.split())
    assert all(end <= begin for (_, end, _), (begin, _, _) in pairwise(found))


def test_a_thousand_sentences_are_scored_in_a_bounded_number_of_spans() -> None:
    asked = question(body("A. " * 1000, spanAnnotations=True))

    assert len(asked.texts) <= MOST_SPANS + 1
    assert "".join(asked.texts[1:]).count("A.") == 1000


# languages


@pytest.mark.parametrize("language", ["en", "en-US", "EN", "en_GB"])
def test_english_is_read_however_it_is_named(ask: Ask, language: str) -> None:
    assert ask(languages=[language])["languages"] == [language]


def test_the_multilingual_model_reads_seven_languages(classifier: Classifier) -> None:
    multilingual = Like(classifier, scripts=("Latin", "Cyrillic"))

    for text, more in (
        ("Bonjour.", {"languages": ["fr", "pt-BR"]}),
        ("Доброе утро, как дела?", {"languages": ["ru"]}),
        ("Доброе утро, как дела?", {}),
    ):
        asked = question(body(text, **more))
        assert asked.answer(Scored(multilingual.score(asked.texts), multilingual))[
            "attributeScores"
        ]


def test_another_language_is_refused_with_the_detail_that_clients_look_for(ask: Ask) -> None:
    with pytest.raises(Refused) as refused:
        ask("Guten Morgen.", languages=["en", "de"])

    assert refused.value.message == "Attribute TOXICITY does not support request languages: de"
    assert refused.value.details == (
        {
            "@type": "type.googleapis.com/google.commentanalyzer.v1alpha1.Error",
            "errorType": "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE",
            "languageNotSupportedByAttributeError": {
                "requestedLanguages": ["de"],
                "attribute": "TOXICITY",
            },
        },
    )


def test_attributes_without_the_language_are_left_out_where_that_is_asked_for(ask: Ask) -> None:
    answer = ask("Guten Morgen.", languages=["de"], dropUnsupportedAttributes=True)

    assert answer == {"attributeScores": {}, "languages": ["de"]}


def test_a_text_that_the_classifier_cannot_read_gets_no_score(ask: Ask) -> None:
    assert refusal(ask, "Доброе утро, как дела?") == (
        "Unable to detect language",
        "LANGUAGE_DETECTION_FAILED",
    )


# what is sent


def test_all_that_perspective_takes_is_taken_in_both_spellings(ask: Ask) -> None:
    answer = ask(
        client_token="comment:7",
        session_id="a",
        communityId="b",
        doNotStore=True,
        context={"entries": [{"text": "x", "type": "PLAIN_TEXT"}]},
        span_annotations=False,
        languages=None,
        comment={"text": "Hello.", "type": "PLAIN_TEXT"},
        requestedAttributes={"TOXICITY": {"scoreType": "PROBABILITY"}},
    )

    assert answer["clientToken"] == "comment:7"
    assert list(answer["attributeScores"]) == ["TOXICITY"]


@pytest.mark.parametrize("text", ["", "  \n ", None])
def test_an_empty_comment_is_refused(ask: Ask, text: str | None) -> None:
    assert refusal(ask, text) == ("Comment must be non-empty.", "COMMENT_EMPTY")


def test_a_comment_may_have_twenty_kibibytes(ask: Ask) -> None:
    longest = "é" * (LONGEST // 2)

    assert question(body(longest)).text == longest
    assert refusal(question, body(longest + "a")) == ("Comment text too long.", "COMMENT_TOO_LONG")


@pytest.mark.parametrize("attributes", [{}, None])
def test_something_must_be_asked_for(ask: Ask, attributes: Any) -> None:
    assert refusal(ask, requestedAttributes=attributes) == (
        "Missing requested_attributes",
        "NO_REQUESTED_ATTRIBUTES",
    )


@pytest.mark.parametrize(
    "attribute",
    ["FLIRTATION", "toxicity", "TOXICITY@6", "SEXUALLY_EXPLICIT_EXPERIMENTAL", "", "A" * 9000],
)
def test_other_attributes_are_unknown(ask: Ask, attribute: str) -> None:
    message, kind = refusal(ask, requestedAttributes={"TOXICITY": {}, attribute: {}})

    assert message == f"Unknown requested attribute: {attribute[:100]}"
    assert kind == "INVALID_REQUEST"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"requestedAttributes": {"TOXICITY": {"scoreType": "RAW"}}},
            "Requested score type RAW is not supported by attribute TOXICITY",
        ),
        (
            {"comment": {"text": "<p>", "type": "HTML"}},
            "Currently, only 'PLAIN_TEXT' comments are supported",
        ),
        ({"comment": {"text": "x", "type": "RTF"}}, "Unknown text type"),
        (
            {"context": {"entries": [{}], "articleAndParentComment": {"article": {"text": "x"}}}},
            "Context can have either entries or article_and_parent_comment, but both fields were"
            " populated.",
        ),
    ],
)
def test_what_perspective_does_not_take_is_refused_in_its_words(
    ask: Ask, more: dict[str, Any], message: str
) -> None:
    assert refusal(ask, **more) == (message, "INVALID_REQUEST")


BAD = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"7",
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"comment": "text"}',
    b'{"comment": {"text": 7}}',
    b'{"comment": {"text": "\\ud83d"}}',
    b'{"comment": {"text": "x", "words": "y"}}',
    b'{"comment": {"text": "x"}, "requestedAttributes": ["TOXICITY"]}',
    b'{"comment": {"text": "x"}, "requestedAttributes": {"TOXICITY": {"scoreThreshold": "high"}}}',
    b'{"comment": {"text": "x"}, "requestedAttributes": {"TOXICITY": {"scoreThreshold": NaN}}}',
    b'{"comment": {"text": "x"}, "languages": "en"}',
    b'{"comment": {"text": "x"}, "spanAnotations": true}',
    json.dumps({"requestedAttributes": {str(n): {} for n in range(20_000)}}).encode(),
    json.dumps({str(n): 1 for n in range(20_000)}).encode(),
    json.dumps({"languages": ["en"] * 20_000}).encode(),
]


@pytest.mark.parametrize("sent", BAD, ids=range(len(BAD)))
@pytest.mark.parametrize("read", [question, suggestion])
def test_nonsense_is_refused_in_words_and_not_repeated(
    read: Callable[[bytes], Any], sent: bytes
) -> None:
    with pytest.raises(Refused) as refused:
        read(sent)

    assert 10 < len(refused.value.message) < 300
    assert refused.value.details


def test_a_field_that_does_not_exist_is_named_as_google_does() -> None:
    with pytest.raises(Refused) as refused:
        question(b'{"comment": {"text": "x", "words": "y"}}')

    assert refused.value.message == (
        "Invalid JSON payload received. Unknown name \"words\" at 'comment': Cannot find field."
    )


# suggestions


def suggested(scores: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"comment": {"text": "Hm."}, "attributeScores": scores} | more).encode()


def test_a_suggestion_is_in_our_labels() -> None:
    read = suggestion(
        suggested(
            {"PROFANITY": {"summaryScore": {"value": 1}}, "TOXICITY": {"summaryScore": {}}},
            clientToken="comment:7",
            communityId="Coral:news",
        )
    )

    assert read.scores == {"obscene": 1.0, "toxicity": 0.0}
    assert (read.text, read.token, read.community, read.keep) == (
        "Hm.",
        "comment:7",
        "Coral:news",
        True,
    )


def test_without_a_summary_the_worst_span_counts() -> None:
    spans = [{"begin": 0, "end": 2, "score": {"value": value}} for value in (0.25, 0.75)]

    assert suggestion(suggested({"INSULT": {"spanScores": spans}})).scores == {"insult": 0.75}


def test_a_suggestion_may_ask_not_to_be_kept() -> None:
    scores = {"TOXICITY": {"summaryScore": {"value": 1}}}

    assert not suggestion(suggested(scores, doNotStore=True)).keep


@pytest.mark.parametrize(
    "scores",
    [
        {},
        {"TOXICITY": {}},
        {"HUMOUR": {"summaryScore": {"value": 1}}},
        {"TOXICITY": {"summaryScore": {"value": 7}}},
        {"TOXICITY": {"summaryScore": {"value": 1, "type": "RAW"}}},
    ],
)
def test_a_suggestion_that_says_nothing_is_refused(scores: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        suggestion(suggested(scores))


NAMES_SENT = st.sampled_from(
    [
        "comment",
        "text",
        "type",
        "requestedAttributes",
        "TOXICITY",
        "scoreThreshold",
        "languages",
        "spanAnnotations",
        "context",
        "attribute_scores",
        "spanScores",
        "summaryScore",
        "value",
    ]
)
SENT = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | NAMES_SENT,
    lambda inner: st.lists(inner) | st.dictionaries(NAMES_SENT | st.text(), inner),
)


@given(st.dictionaries(NAMES_SENT, SENT), SENT, SENT)
def test_whatever_is_sent_is_read_or_refused(
    sent: dict[str, Any], comment: Any, attributes: Any
) -> None:
    for read in (question, suggestion):
        for more in ({}, {"comment": comment, "requestedAttributes": attributes}):
            with contextlib.suppress(Refused):
                read(json.dumps(sent | more).encode())


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_spans_lie_in_the_text_in_order_whatever_it_is(text: str) -> None:
    with contextlib.suppress(Refused):
        asked = question(body(text, spanAnnotations=True))
        places = [place for span in asked.spans for place in span]
        assert places == sorted(places)
        assert asked.texts[1:]
        assert all(said and said == said.strip() for said in asked.texts[1:])
