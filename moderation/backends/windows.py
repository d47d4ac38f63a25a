"""How a text longer than a model's window is read: in overlapping windows, none of it left out."""

import math
import re
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from moderation.classifier import ScoringFailed
from moderation.labels import Scores
from moderation.spelling import plain

# Tokenizers give up on longer words and see one unknown token in place of whatever stands there.
_LONGEST_WORD = 60
_LONG_WORD = re.compile(rf"\S{{{_LONGEST_WORD}}}(?=\S)")


def readable(text: str) -> str:
    """Return `text` as a classifier reads it: in plain spelling, and so that none of it is lost.

    A space is put after every 60 characters without one.
    """
    return _LONG_WORD.sub(r"\g<0> ", plain(text).text)


def windows(tokens: int, size: int) -> Iterator[slice]:
    """Yield the windows of `size` tokens that cover `tokens` tokens; neighbours share a quarter."""
    if tokens <= size:
        yield slice(0, tokens)
        return
    step = size - size // 4
    for start in range(0, math.ceil((tokens - size) / step) * step, step):
        yield slice(start, start + size)
    # The last window ends with the text and is as full as the others.
    yield slice(tokens - size, tokens)


def worst(
    probabilities: npt.NDArray[np.floating],
    owners: Sequence[int],
    labels: Sequence[str],
    texts: int,
) -> list[Scores]:
    """Give each of `texts` texts the highest probability of each label over its windows.

    `probabilities` has one row a window and one column a label; `owners` names each row's text.
    Raises ScoringFailed when one is no number: such a text must never count as harmless.
    """
    if not np.isfinite(probabilities).all():
        raise ScoringFailed("The model gave a score that is not a number.")
    highest = np.zeros((texts, len(labels)))
    np.maximum.at(highest, np.asarray(owners, dtype=np.intp), probabilities)
    return [dict(zip(labels, map(float, row), strict=True)) for row in highest]
