"""Why a text scores as it does: which of its words carry the score, found by leaving them out.

No second model: the classifier that scored the text is asked about each word alone, and about the
text without each of the words that score highest.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from moderation.classifier import Classifier
from moderation.labels import Scores
from moderation.spelling import plain

# The first character and the one after the last.
Span = tuple[int, int]
Numbers = npt.NDArray[np.float64]

# A longer text is looked at in parts of so many words, of which neighbours share a third; and its
# words in the part that scores highest, and in so many in all if they score high as well.
PART = 80
PARTS = 4
# A word carries a score when it makes up this share of it: the mean of what it scores alone and of
# what the text loses without it, both in logits above a text that says nothing. A score above
# ENOUGH, a logit too, counts as that: among many insults each is one. Both were chosen on labelled
# spans that no model was trained on; a tenth more or less makes little difference.
SHARE = 0.5
ENOUGH = 0.5
# Of the words that score highest alone, so many are left out in turn, and with them the others
# that are half of the score alone, up to a limit; more changed nothing.
TRIED, TRIED_AT_MOST = 3, 12
# Below this distance, in logits, a text scores like one without words: nothing carries that.
NOTHING = 1.0

_IN_ENGLISH = (
    "a an the this that these those some any each every such what which who whom whose"
    " i me my mine myself you your yours yourself he him his himself she her hers herself"
    " it its itself we us our ours they them their theirs themselves one there here"
    " am is are was were be been being do does did doing done have has had having"
    " can could will would shall should may might must"
    " of in on at to for with by from as into onto about over under after before between through"
    " during against without within up down out off and or nor but so if then than because while"
    " when where why how though although until since unless"
    " not no yes too also very just only even more most much many other own same again still"
    " i'm i've i'll i'd you're you've you'll you'd he's she's it's we're we've they're they've"
    " that's there's don't doesn't didn't isn't aren't wasn't weren't can't couldn't won't wouldn't"
    " shouldn't haven't hasn't hadn't"
)
# Words that say nothing alone; not asking about them saves nearly half of the time.
_FUNCTION_WORDS = frozenset(_IN_ENGLISH.split())
_WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class Why:
    """Where one label's score comes from, in characters of the text as its author typed it.

    `spans` are the words that carry it, in order; none when they do so together only. `part` is
    set for a long text: the part of it that scores highest. Others that score high have spans too.
    """

    spans: Sequence[Span] = ()
    part: Span | None = None

    def placed(self, place: Callable[[Sequence[Span]], Sequence[Span]]) -> "Why":
        """Return the same for a text in which slices of this one stand where `place` says."""
        part = place([self.part]) if self.part else ()
        return Why(tuple(place(self.spans)), (part[0][0], part[-1][1]) if part else None)

    def to_json(self) -> dict[str, Any]:
        """Return plain values; `from_json` reads them back."""
        return {"spans": list(map(list, self.spans)), "part": self.part and list(self.part)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Why":
        """Read what `to_json` wrote."""
        part = value["part"]
        spans = tuple((start, end) for start, end in value["spans"])
        return cls(spans, part and (part[0], part[1]))


def explain(classifier: Classifier, text: str, labels: Sequence[str]) -> dict[str, Why]:
    """Say for each of `labels` where its score comes from.

    For 60 words that takes the classifier the time of some 30 words and ten texts of their length,
    for a long text up to PARTS times as long. Raises ScoringFailed.
    """
    said = plain(text)
    words = [
        span for found in _WORD.finditer(said.text) if (span := _bare(said.text, *found.span()))
    ]
    if not words or not labels:
        return {label: Why() for label in labels}

    def typed(first: int, last: int) -> Span:
        """Where a stretch of words stands in the text as typed."""
        where = slice(words[first][0], words[last][1])
        # What was written backwards stands there backwards.
        return min(said.starts[where]), max(said.ends[where])

    parts = list(_parts(len(words)))
    texts = [said.text[words[part[0]][0] : words[part[-1]][1]] for part in parts]
    scores = classifier.score(texts)
    highest: dict[str, int] = {}
    asked: dict[int, list[str]] = {}
    for column, label in zip(_logits(scores, labels).T, labels, strict=True):
        order = np.argsort(-column, kind="stable")[:PARTS].tolist()
        highest[label] = order[0]
        for at in order:
            if at == order[0] or column[at] >= ENOUGH:
                asked.setdefault(at, []).append(label)
    spans: dict[str, set[Span]] = {label: set() for label in labels}
    for place, those in asked.items():
        part = parts[place]
        first = words[part[0]][0]
        telling = [at for at in part if not _says_nothing(said.text[slice(*words[at])])] or part
        carrying = _carrying(
            classifier,
            texts[place],
            [(words[at][0] - first, words[at][1] - first) for at in telling],
            scores[place],
            those,
        )
        for label in those:
            spans[label] |= {typed(telling[at], telling[at]) for at in carrying[label]}
    return {
        label: Why(
            tuple(sorted(spans[label])),
            typed(parts[at][0], parts[at][-1]) if len(parts) > 1 else None,
        )
        for label, at in highest.items()
    }


def _parts(words: int) -> Sequence[range]:
    if words <= PART:
        return [range(words)]
    step = PART - PART // 3
    starts = [*range(0, words - PART, step), words - PART]
    return [range(start, start + PART) for start in starts]


def _carrying(
    classifier: Classifier, text: str, words: Sequence[Span], whole: Scores, labels: Sequence[str]
) -> dict[str, list[int]]:
    """Return for each label which of `words` carry the score `whole` of `text`."""
    said = [text[first:last] for first, last in words]
    distinct = list(dict.fromkeys(said))
    nothing, *each = _logits(classifier.score(["", *distinct]), labels)
    by_word = dict(zip(distinct, each, strict=True))
    # A row a word, a column a label.
    alone = np.array([by_word[word] for word in said])
    (top,) = _logits([whole], labels)
    floor = np.minimum(nothing, np.median(alone, axis=0))
    height = np.maximum(np.minimum(top, ENOUGH) - floor, NOTHING)
    share = (alone - floor) / height

    # Where the whole scores like nothing, no word need be left out to see that none carries it.
    anything = top - floor >= NOTHING
    if not anything.any():
        return {label: [] for label in labels}
    tried = set()
    for column in share.T[anything]:
        for rank, at in enumerate(np.argsort(-column, kind="stable")[:TRIED_AT_MOST]):
            if rank < TRIED or column[at] >= 0.5:
                tried.add(int(at))
    places = sorted(tried)
    without = [text[: words[at][0]] + text[words[at][1] :] for at in places]
    lost = np.zeros_like(share)
    lost[places] = (top - _logits(classifier.score(without), labels)) / height
    carries = ((share + lost) / 2 >= SHARE) & anything
    return {
        label: np.flatnonzero(carries[:, column]).tolist() for column, label in enumerate(labels)
    }


def _says_nothing(word: str) -> bool:
    return word.lower().replace("’", "'") in _FUNCTION_WORDS


def _bare(text: str, start: int, end: int) -> Span | None:
    """The word without the signs around it; None where there is nothing else."""
    letters = [at for at in range(start, end) if text[at].isalnum()]
    return (letters[0], letters[-1] + 1) if letters else None


def _logits(scores: Sequence[Scores], labels: Sequence[str]) -> Numbers:
    """Return a row a text and a column a label."""
    rows = np.array([[one[label] for label in labels] for one in scores])
    kept = np.clip(rows, 1e-7, 1 - 1e-7)
    logits: Numbers = np.log(kept / (1 - kept))
    return logits
