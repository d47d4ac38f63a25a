"""The port: what the rest of the house asks of a classifier."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from moderation.labels import Scores

# The folder of the classifier that ships.
SHIPPED = Path(__file__).parent / "models" / "detoxify-mini"


class Classifier(Protocol):
    """Scores texts. Safe to call from one thread at a time; opens no connection to anywhere.

    `name` and `version` are kept with every score: `version` is the start of the sha256 of the
    weights, or of weights and calibration, so that scores of two kinds are never mistaken for one
    another. `scripts` are those that it learned to read, named as by Unicode: Latin, Cyrillic.
    """

    name: str
    version: str
    labels: tuple[str, ...]
    scripts: tuple[str, ...]

    def score(self, texts: Sequence[str]) -> list[Scores]:
        """Return one mapping a text, in order: every label of `labels` to a probability 0..1.

        The whole text counts: what is longer than the model's window is read in overlapping
        windows and the highest score of each label is returned. An empty text scores as such and
        an empty list gives an empty list. Raises ScoringFailed when the model breaks.
        """
        ...


class ClassifierUnavailable(Exception):
    """The classifier cannot be loaded. The message says what is missing and what to do next."""


class ScoringFailed(Exception):
    """The classifier broke on these texts."""
