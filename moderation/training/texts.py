"""Reads the labelled texts that a model may be trained on."""

import csv
import gzip
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from moderation.training.errors import TrainingRefused

# Detoxify `original` knows these six, in this order.
LABELS: tuple[str, ...] = (
    "toxicity",
    "severe_toxicity",
    "obscene",
    "threat",
    "insult",
    "identity_attack",
)


@dataclass(frozen=True)
class Source:
    """A set of labelled texts, named as its file, with the licence that lets us train on it."""

    name: str
    licence: str
    content: str


# Only sets whose licence lets a model trained on them be given away stand here: `news_insults`,
# which states none, must never be added.
SOURCES: Mapping[str, Source] = {
    source.name: source
    for source in (
        Source("jigsaw", "data CC0, texts CC BY-SA", "Jigsaw Toxic Comment 2018, Wikipedia talk"),
        Source("wikipedia_talk", "Apache-2.0, texts CC BY-SA", "context_toxicity, Wikipedia talk"),
        Source("civil_news", "CC0", "Civil Comments, news sites"),
        Source("civil_news_votes", "CC0", "Civil Comments, share of votes"),
        Source("identity_templates", "Apache-2.0", "madlibs against identity-term bias"),
        Source("toxic_spans", "CC0", "SemEval-2021 task 5"),
        Source("tweets_hate_offensive", "MIT", "Davidson 2017, tweets"),
        Source("hatexplain", "MIT", "HateXplain 2021, posts"),
        Source("sexism", "CC0", "EDOS 2023, posts"),
        Source("emoji_hate", "CC BY 4.0", "HatemojiBuild"),
        Source("forum_hate", "CC BY-SA 3.0", "Vicomtech, sentences of a hate forum"),
        Source("rewritten_pairs", "CC0", "ParaDetox"),
        Source("prompts_moderation", "MIT", "OpenAI moderation release"),
    )
}
# What the shipped model learned from: half an hour to an hour on two cores.
DEFAULT_SOURCES: tuple[str, ...] = (
    "jigsaw",
    "wikipedia_talk=6000",
    "civil_news",
    "civil_news_votes=4000",
    "identity_templates=3000",
)


@dataclass(frozen=True)
class Example:
    """A text and what people said of it: one number 0..1 a label of LABELS, None = not labelled."""

    text: str
    labels: tuple[float | None, ...]


def read_sources(
    folder: Path, sources: Sequence[str], *, rows: int | None = None, seed: int = 0
) -> tuple[list[Example], dict[str, int]]:
    """Read `NAME.csv.gz` of each source, and tell how many rows came from each.

    A source is `NAME` or `NAME=ROWS`, which draws so many of its rows with `seed`; `rows` caps
    the whole, each source giving its share. Raises TrainingRefused for a source that may not be
    used, a missing file or a label out of 0..1.
    """
    draw = random.Random(seed)  # noqa: S311 - a sample, not a secret
    found: dict[str, list[Example]] = {}
    for source in sources:
        name, _, most = source.partition("=")
        if name not in SOURCES:
            raise TrainingRefused(
                f"'{name}' is not a set that a shipped model may be trained on. "
                f"Use some of: {', '.join(SOURCES)}."
            )
        if most and not most.isdecimal():
            raise TrainingRefused(f"'{source}' must be NAME or NAME=ROWS, like {name}=1000.")
        path = folder / f"{name}.csv.gz"
        if not path.is_file():
            raise TrainingRefused(f"{path} is not there. Name the folder of the sets with --data.")
        examples = list(_examples(path))
        found[name] = draw.sample(examples, min(int(most), len(examples))) if most else examples
    total = sum(map(len, found.values()))
    if not total:
        raise TrainingRefused(f"There is not one labelled text in {folder}.")
    if rows is not None and rows < total:
        found = {
            name: draw.sample(examples, round(len(examples) * rows / total))
            for name, examples in found.items()
        }
    counts = {name: len(examples) for name, examples in found.items()}
    return [example for examples in found.values() for example in examples], counts


def _examples(path: Path) -> Iterator[Example]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        missing = {"text", *LABELS} - set(reader.fieldnames or ())
        if missing:
            raise TrainingRefused(f"{path} has no column {', '.join(sorted(missing))}.")
        for row in reader:
            labels = tuple(_share(row[name], path, reader.line_num) for name in LABELS)
            if any(label is not None for label in labels):
                yield Example(row["text"], labels)


def _share(cell: str, path: Path, line: int) -> float | None:
    if not cell:
        return None
    try:
        share = float(cell)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise TrainingRefused(f"{path}, line {line}: '{cell}' is not a number from 0 to 1.")
    return share
