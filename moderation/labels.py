"""The label names, in Detoxify's words, and what each means to a moderator."""

from collections.abc import Mapping
from dataclasses import dataclass

# One text's scores: label name to probability, 0 to 1.
Scores = Mapping[str, float]


@dataclass(frozen=True)
class Label:
    """A kind of toxicity. `name` is Detoxify's, `title` is for the screen."""

    name: str
    title: str
    meaning: str


# The order is Detoxify's own; `sexual_explicit` exists in its `unbiased` models only.
ALL: tuple[Label, ...] = (
    Label(
        "toxicity", "Toxicity", "Rude or disrespectful enough to drive others out of a discussion."
    ),
    Label("severe_toxicity", "Severe toxicity", "Very hateful or aggressive, far past rudeness."),
    Label("obscene", "Obscenity", "Swear words and other obscene language."),
    Label("threat", "Threat", "Announces or wishes violence against somebody."),
    Label("insult", "Insult", "Belittles a person, present or not."),
    Label(
        "identity_attack",
        "Identity attack",
        "Attacks people for what they are: origin, faith, sex.",
    ),
    Label("sexual_explicit", "Sexually explicit", "Names sexual acts or body parts in a lewd way."),
)

NAMES: tuple[str, ...] = tuple(label.name for label in ALL)
BY_NAME: Mapping[str, Label] = {label.name: label for label in ALL}


def in_digits(score: float) -> str:
    """Write a score or a threshold for people: two decimals, and more where a rare label's lie."""
    if not 0 < score < 0.1:
        return f"{score:.2f}"
    return f"{score:.4f}" if score < 0.01 else f"{score:.3f}".removesuffix("0")
