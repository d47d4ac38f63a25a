"""Makes up harmless comments of about 200 characters; the same seed makes the same ones."""

import random

_WHO = (
    "The council", "My neighbour", "The bus company", "Our school", "The library", "A shopkeeper",
    "The reporter", "The market", "The old depot", "The new mayor", "The gardening club",
)  # fmt: skip
_DID = (
    "explained the plan in March", "counted the visitors twice", "painted the benches green",
    "moved the stop two streets further", "asked for more light in the evening",
    "kept the receipts of last year", "opened an hour earlier than before",
    "answered every letter that I know of", "waited for the report to be printed",
)  # fmt: skip
_THEN = (
    "and I think that was a fair decision", "which saved quite some money",
    "so the morning is quieter now", "although the reasons were never written down",
    "and most people on our street liked it", "but the figures in the article look too low",
    "and I would like to read more about it", "which took longer than anybody expected",
)  # fmt: skip


def sentence(dice: random.Random) -> str:
    """Return one sentence."""
    return f"{dice.choice(_WHO)} {dice.choice(_DID)}, {dice.choice(_THEN)}."


def comment(dice: random.Random, *, length: int = 200) -> str:
    """Return sentences of about `length` characters, and a number that makes them one of a kind."""
    said = [f"Number {dice.randrange(10**9)}."]
    while sum(map(len, said)) + len(said) < length - 40:
        said.append(sentence(dice))
    return " ".join(said)
