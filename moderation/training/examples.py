"""A labelled text, and the labels that the shipped model learns."""

from dataclasses import dataclass

# Detoxify `original` knows the first six, in this order.
LABELS: tuple[str, ...] = (
    "toxicity",
    "severe_toxicity",
    "obscene",
    "threat",
    "insult",
    "identity_attack",
    "sexual_explicit",
)


@dataclass(frozen=True)
class Example:
    """A text and what people said of it: one number 0..1 a label of LABELS, None = not labelled."""

    text: str
    labels: tuple[float | None, ...]
