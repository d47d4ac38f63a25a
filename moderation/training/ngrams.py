"""Fits the linear model over pieces of words that goes beside the encoder."""

from collections.abc import Callable, Sequence

import numpy as np

from moderation.backends.ngrams import BITS, Ngrams, pieces
from moderation.training.examples import LABELS, Example

# Of a score's logit. Wikipedia's comments would have more of it, those of the news less.
SHARE = 0.25
_STRENGTH = 4.0  # inverse of the regularisation


def fit_ngrams(
    examples: Sequence[Example], *, say: Callable[[str], None] = lambda _: None
) -> Ngrams:
    """Fit a logistic regression a label on the texts that have the label."""
    from scipy.sparse import csr_matrix, diags  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.preprocessing import normalize  # noqa: PLC0415

    say(f"Words and pieces of words of {len(examples):,} texts.")
    found = [pieces(example.text) for example in examples]
    matrix = csr_matrix(
        (
            np.concatenate([counts for _, counts in found]),
            np.concatenate([buckets for buckets, _ in found]),
            np.cumsum([0, *(len(buckets) for buckets, _ in found)]),
        ),
        shape=(len(found), 1 << BITS),
    )
    del found
    texts = np.bincount(matrix.indices, minlength=1 << BITS)
    rarity = (np.log((1 + len(examples)) / (1 + texts)) + 1).astype(np.float16)
    matrix = normalize(matrix @ diags(rarity.astype(np.float32)))
    truth = np.array(
        [[np.nan if mark is None else mark for mark in example.labels] for example in examples]
    )
    columns, bias = [], []
    for label, marks in zip(LABELS, truth.T, strict=True):
        there = ~np.isnan(marks)
        if len(set(marks[there] >= 0.5)) < 2:
            say(f"{label}: too few examples, left to the encoder")
            columns.append(np.zeros(1 << BITS))
            bias.append(0.0)
            continue
        model = LogisticRegression(C=_STRENGTH, solver="liblinear", tol=1e-2)
        model.fit(matrix[there], marks[there] >= 0.5)
        columns.append(model.coef_[0])
        bias.append(float(model.intercept_[0]))
        say(f"{label}: {there.sum():,} texts")
    weights = np.stack(columns, axis=1)
    return Ngrams.of(rarity, weights, np.array(bias))
