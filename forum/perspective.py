"""The Perspective API's questions and answers: read, scored by our labels, answered in its words.

Nothing here knows HTTP or a database. What is refused is refused as Google's servers do.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from moderation.classifier import Classifier
from moderation.desk import Scored
from moderation.labels import Scores
from moderation.scripts import outside

# Their attributes and our labels. What they call experimental is the same to us.
_SAME = {
    "TOXICITY": "toxicity",
    "SEVERE_TOXICITY": "severe_toxicity",
    "IDENTITY_ATTACK": "identity_attack",
    "INSULT": "insult",
    "PROFANITY": "obscene",
    "THREAT": "threat",
}
ATTRIBUTES: Mapping[str, str] = {
    **_SAME,
    "SEXUALLY_EXPLICIT": "sexual_explicit",
    **{f"{name}_EXPERIMENTAL": label for name, label in _SAME.items()},
}
# Detoxify's models read English; the one that reads Cyrillic letters, too, is the multilingual.
_ENGLISH = ("en",)
_SEVEN = ("en", "fr", "es", "it", "pt", "tr", "ru")
LONGEST = 20 * 1024  # bytes of a comment, in UTF-8
# More spans than this are joined with their neighbours: each is scored by itself, and costs.
MOST_SPANS = 50
_MOST_FIELDS = 50
_MOST_ATTRIBUTES = 50
_MOST_LANGUAGES = 50
_MOST_SPAN_SCORES = 1000
_LONGEST_NAME = 500  # characters of a token or a community that is kept

_PROBABILITY = "PROBABILITY"
_ERROR = "type.googleapis.com/google.commentanalyzer.v1alpha1.Error"
_BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"


class Refused(Exception):
    """The question cannot be answered: INVALID_ARGUMENT, with Google's message and details."""

    def __init__(self, message: str, *details: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


def _wrong(kind: str, message: str, **more: Any) -> Refused:
    return Refused(message, {"@type": _ERROR, "errorType": kind, **more})


# What is sent ------------------------------------------------------------------------------------


class _Message(BaseModel):
    # Google's servers take both spellings of a name: clientToken and client_token.
    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, extra="forbid", frozen=True, strict=True
    )

    @model_validator(mode="before")
    @classmethod
    def _null_is_not_there(cls, sent: Any) -> Any:
        if not isinstance(sent, dict):
            return sent
        # Each unknown one would be found and told, and thousands of them take their time.
        if len(sent) > _MOST_FIELDS:
            raise PydanticCustomError("too_many_fields", "No object has so many fields")
        return {name: value for name, value in sent.items() if value is not None}


class _Text(_Message):
    text: str = ""
    type: str = "PLAIN_TEXT"


class _Context(_Message):
    # Taken and not looked at: the classifier reads the comment alone.
    entries: list[Any] = []
    article_and_parent_comment: dict[str, Any] = {}


class _Parameters(_Message):
    score_type: str = _PROBABILITY
    score_threshold: float = Field(0.0, allow_inf_nan=False)


_Name = Annotated[str, Field(max_length=_LONGEST_NAME)]
_Language = Annotated[str, Field(max_length=35)]


class _Sent(_Message):
    comment: _Text = _Text()
    context: _Context = _Context()
    languages: list[_Language] = Field([], max_length=_MOST_LANGUAGES)
    do_not_store: bool = False
    client_token: str = ""
    session_id: str = ""
    community_id: str = ""


class _Analyze(_Sent):
    requested_attributes: dict[str, _Parameters] = Field({}, max_length=_MOST_ATTRIBUTES)
    span_annotations: bool = False
    drop_unsupported_attributes: bool = False


class _Score(_Message):
    value: float = Field(0.0, ge=0, le=1, allow_inf_nan=False)
    type: str = _PROBABILITY


class _SpanScore(_Message):
    begin: int = 0
    end: int = 0
    score: _Score = _Score()


class _AttributeScores(_Message):
    summary_score: _Score | None = None
    span_scores: list[_SpanScore] = Field([], max_length=_MOST_SPAN_SCORES)


class _Suggest(_Sent):
    attribute_scores: dict[str, _AttributeScores] = Field({}, max_length=_MOST_ATTRIBUTES)
    client_token: _Name = ""
    community_id: _Name = ""


_M = TypeVar("_M", bound=_Message)


def _parsed(kind: type[_M], body: bytes) -> _M:
    try:
        return kind.model_validate_json(body)
    except ValidationError as problems:
        # The first is enough, and never what was sent itself: it may be what somebody wrote.
        first = problems.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part)[:60] for part in first["loc"])
    if first["type"] == "json_invalid":
        message = f"Invalid JSON payload received. {first['ctx']['error']}."
    elif first["type"] == "extra_forbidden":
        above, _, name = where.rpartition(".")
        place = f" at '{above}'" if above else ""
        message = f'Invalid JSON payload received. Unknown name "{name}"{place}: Cannot find field.'
    else:
        message = f"Invalid value at '{where or 'body'}': {first['msg']}."
    raise Refused(
        message,
        {"@type": _BAD_REQUEST, "fieldViolations": [{"field": where, "description": message}]},
    )


def _check_comment(sent: _Sent) -> None:
    """Refuse a comment or a context that cannot be scored."""
    if sent.comment.type not in ("PLAIN_TEXT", "TEXT_TYPE_UNSPECIFIED"):
        if sent.comment.type == "HTML":
            raise _wrong("INVALID_REQUEST", "Currently, only 'PLAIN_TEXT' comments are supported")
        raise _wrong("INVALID_REQUEST", "Unknown text type")
    if not sent.comment.text.strip():
        raise _wrong("COMMENT_EMPTY", "Comment must be non-empty.")
    if len(sent.comment.text.encode()) > LONGEST:
        raise _wrong("COMMENT_TOO_LONG", "Comment text too long.")
    if sent.context.entries and sent.context.article_and_parent_comment:
        raise _wrong(
            "INVALID_REQUEST",
            "Context can have either entries or article_and_parent_comment, but both fields were"
            " populated.",
        )


def _check_score_type(attribute: str, score_type: str) -> None:
    if score_type not in (_PROBABILITY, "SCORE_TYPE_UNSPECIFIED"):
        raise _wrong(
            "INVALID_REQUEST",
            f"Requested score type {score_type[:60]} is not supported by attribute {attribute}",
        )


def _unknown(attribute: str) -> Refused:
    return _wrong("INVALID_REQUEST", f"Unknown requested attribute: {attribute[:100]}")


# comments:analyze --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Question:
    """A comment and what is asked about it.

    `texts` is what the classifier has to score: the comment, then each of `spans`, which are
    slices of it. `thresholds` has the attributes that are asked for; lower scores are left out.
    """

    text: str
    spans: Sequence[tuple[int, int]]
    thresholds: Mapping[str, float]
    languages: Sequence[str]
    drop_unsupported: bool
    token: str

    @property
    def texts(self) -> list[str]:
        return [self.text, *(self.text[begin:end] for begin, end in self.spans)]

    def answer(self, scored: Scored) -> dict[str, Any]:
        """Return Perspective's answer for the scores of `texts`. Raises Refused. Slow, a little.

        Spans are in UTF-16 code units, the end excluded, as JavaScript and Java count.
        """
        for attribute in self.thresholds:
            if ATTRIBUTES[attribute] not in scored.classifier.labels:
                raise _unknown(attribute)
        known = _languages(scored.classifier)
        answered = self._scores(scored.scores) if self._can_be_read(scored.classifier) else {}
        told = {"attributeScores": answered, "languages": list(self.languages or known[:1])}
        return told | ({"clientToken": self.token} if self.token else {})

    def _can_be_read(self, classifier: Classifier) -> bool:
        """Whether the classifier reads the language. Raises Refused unless that may be left out."""
        known = _languages(classifier)
        foreign = [each for each in self.languages if _base(each) not in known]
        if foreign and not self.drop_unsupported:
            attribute, named = next(iter(self.thresholds)), foreign[:5]
            raise _wrong(
                "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE",
                f"Attribute {attribute} does not support request languages: {', '.join(named)}",
                languageNotSupportedByAttributeError={
                    "requestedLanguages": named,
                    "attribute": attribute,
                },
            )
        # Who names the language answers for it; otherwise what we cannot read must not score low.
        if not self.languages and outside(self.text, classifier.scripts):
            raise _wrong("LANGUAGE_DETECTION_FAILED", "Unable to detect language")
        return not foreign

    def _scores(self, scores: Sequence[Scores]) -> dict[str, Any]:
        whole, *parts = scores
        spans = list(zip(self.spans, parts, strict=True)) or [((0, len(self.text)), whole)]
        units = _in_utf16(self.text, {place for span, _ in spans for place in span})
        answered = {}
        for attribute, threshold in self.thresholds.items():
            label = ATTRIBUTES[attribute]
            of_spans = [
                {"begin": units[begin], "end": units[end], "score": _score(part[label])}
                for (begin, end), part in spans
                if part[label] >= threshold
            ]
            found: dict[str, Any] = {"spanScores": of_spans} if of_spans else {}
            if whole[label] >= threshold:
                found["summaryScore"] = _score(whole[label])
            if found:
                answered[attribute] = found
        return answered


def question(body: bytes) -> Question:
    """Read the body of comments:analyze. Raises Refused. Slow for a large one."""
    sent = _parsed(_Analyze, body)
    _check_comment(sent)
    if not sent.requested_attributes:
        raise _wrong("NO_REQUESTED_ATTRIBUTES", "Missing requested_attributes")
    for attribute, asked in sent.requested_attributes.items():
        if attribute not in ATTRIBUTES:
            raise _unknown(attribute)
        _check_score_type(attribute, asked.score_type)
    return Question(
        text=sent.comment.text,
        spans=_sentences(sent.comment.text) if sent.span_annotations else (),
        thresholds={
            name: asked.score_threshold for name, asked in sent.requested_attributes.items()
        },
        languages=sent.languages,
        drop_unsupported=sent.drop_unsupported_attributes,
        token=sent.client_token,
    )


def _languages(classifier: Classifier) -> tuple[str, ...]:
    return _SEVEN if "Cyrillic" in classifier.scripts else _ENGLISH


def _base(language: str) -> str:
    """Return "pt" for "pt-BR"."""
    return language.replace("_", "-").partition("-")[0].lower()


def _score(value: float) -> dict[str, Any]:
    return {"value": value, "type": _PROBABILITY}


# A sentence ends with its sign and a blank, or with its line.
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s|[\r\n\u2028\u2029。！？]+")


def _sentences(text: str) -> list[tuple[int, int]]:
    """Return the sentences as slices without the blanks around; many short ones are joined."""
    ends = [found.end() for found in _SENTENCE_END.finditer(text)]
    spans = []
    for begin, end in zip([0, *ends], [*ends, len(text)], strict=True):
        said = text[begin:end]
        if said.strip():
            first = begin + len(said) - len(said.lstrip())
            spans.append((first, first + len(said.strip())))
    together = -(-len(spans) // MOST_SPANS)
    return [
        (spans[first][0], spans[min(first + together, len(spans)) - 1][1])
        for first in range(0, len(spans), together)
    ]


def _in_utf16(text: str, places: set[int]) -> dict[int, int]:
    """Return for places in `text`, counted in characters, the same counted in UTF-16 units."""
    counted, units, last = {}, 0, 0
    for place in sorted(places):
        units += len(text[last:place].encode("utf-16-le")) // 2
        counted[place], last = units, place
    return counted


# comments:suggestscore ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Suggested:
    """What a text should have scored, by our labels; `keep` is False when it must not be stored."""

    text: str
    scores: Scores
    community: str
    token: str
    keep: bool


def suggestion(body: bytes) -> Suggested:
    """Read the body of comments:suggestscore. Raises Refused."""
    sent = _parsed(_Suggest, body)
    _check_comment(sent)
    scores = {}
    for attribute, suggested in sent.attribute_scores.items():
        if attribute not in ATTRIBUTES:
            raise _unknown(attribute)
        spans = [span.score for span in suggested.span_scores]
        of_whole = suggested.summary_score
        for each in [*spans, *([of_whole] if of_whole else [])]:
            _check_score_type(attribute, each.type)
        if of_whole is not None:
            scores[ATTRIBUTES[attribute]] = of_whole.value
        # Without a word on the whole, its worst part counts, as it does when a text is scored.
        elif spans:
            scores[ATTRIBUTES[attribute]] = max(span.value for span in spans)
    if not scores:
        raise _wrong("NO_REQUESTED_ATTRIBUTES", "Missing attribute_scores")
    return Suggested(
        text=sent.comment.text,
        scores=scores,
        community=sent.community_id,
        token=sent.client_token,
        keep=not sent.do_not_store,
    )
