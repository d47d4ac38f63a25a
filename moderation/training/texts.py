"""Reads the labelled texts that a model may be trained on."""

import csv
import gzip
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from moderation.backends.names import of_others
from moderation.spelling import plain
from moderation.training import calm, made, tones
from moderation.training.errors import TrainingRefused
from moderation.training.examples import LABELS, Example
from moderation.training.slips import with_slips


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
        Source("made", "MIT", "sentences of our own, from templates"),
        Source("tones", "MIT", "more of them: contempt without swearing, and the reverse"),
        Source("calm", "MIT", "more of them: plain talk of groups in the turns that attacks use"),
    )
}
# What the encoder learned from in five fits, whose weights are averaged (`fit.PASSES`): comments
# alone, which it is to judge; every set that may be used; what sentences do; groups; and all of it.
COMMENT_SOURCES: tuple[str, ...] = (
    "jigsaw",
    "wikipedia_talk=6000",
    "civil_news",
    "civil_news_votes=4000",
    "identity_templates=3000",
)
ALL_SOURCES: tuple[str, ...] = (
    "jigsaw",
    "wikipedia_talk=10000",
    "civil_news",
    "civil_news_votes=10000",
    "toxic_spans=2000",
    "identity_templates=4000",
    "emoji_hate",
    "hatexplain=5000",
    "forum_hate=4000",
    "sexism=4000",
    "rewritten_pairs=8000",
    "prompts_moderation",
    "made=12000",
)
# What the linear model beside the encoder learned from: comments, not sets of hate alone.
NGRAM_SOURCES: tuple[str, ...] = (
    "jigsaw",
    "wikipedia_talk",
    "civil_news",
    "civil_news_votes",
    "toxic_spans",
    "identity_templates=4000",
    "made=16000",
)
REFINE_SOURCES: tuple[str, ...] = (
    "jigsaw=7000",
    "wikipedia_talk=1500",
    "civil_news",
    "civil_news_votes=3000",
    "identity_templates=1500",
    "emoji_hate=3000",
    "rewritten_pairs=1000",
    "prompts_moderation",
    "forum_hate=1000",
    "hatexplain=1000",
    "made=4000",
    "tones=14000",
)
# What is said of a group, and of others in its place (`moderation/backends/names.py`).
OTHERS_SOURCES: tuple[str, ...] = (
    "jigsaw=14000",
    "wikipedia_talk=3000",
    "civil_news",
    "civil_news_votes=9000",
    "identity_templates=2000",
    "emoji_hate",
    "rewritten_pairs=1500",
    "prompts_moderation",
    "forum_hate=5000",
    "hatexplain=4000",
    "sexism=2000",
    "made=4000",
    "tones=6000",
    "calm=9000",
)
# The same with all comments among it: the last fit, which forgets none, so that its share is large.
WIDE_SOURCES: tuple[str, ...] = (
    "jigsaw",
    "wikipedia_talk=8000",
    "civil_news",
    "civil_news_votes",
    "toxic_spans=3000",
    "identity_templates=2000",
    "emoji_hate",
    "rewritten_pairs=2000",
    "prompts_moderation",
    "forum_hate=7000",
    "hatexplain=7000",
    "sexism=4000",
    "made=5000",
    "tones=7000",
    "calm=9000",
)
# Sources without a file: their templates, and fillers beyond those that all of them have.
_OWN: Mapping[str, tuple[Sequence[made.Family], Mapping[str, tuple[str, ...]]]] = {
    "made": (made.FAMILIES, {}),
    "tones": (tones.FAMILIES, tones.SLOTS),
    "calm": (calm.FAMILIES, {}),
}
_SLIPS = 0.1  # share of the texts that are read with slips of the finger


def read_sources(
    folder: Path,
    sources: Sequence[str],
    *,
    rows: int | None = None,
    seed: int = 0,
    others: float = 0.0,
) -> tuple[list[Example], dict[str, int]]:
    """Read `NAME.csv.gz` of each source, and tell how many rows came from each.

    A source is `NAME` or `NAME=ROWS`, which draws so many of its rows with `seed`; `rows` caps
    the whole, each source giving its share. Raises TrainingRefused for a source that may not be
    used, a missing file or a label out of 0..1. Texts come in plain spelling, as the classifier
    reads them, and one in ten with slips of the finger; that share `others` of those which name a
    group says it of the group's stand-ins, as the classifier reads them the second time.
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
        if name in _OWN:
            families, slots = _OWN[name]
            found[name] = made.make_sentences(
                int(most or 10_000), seed=seed, families=families, slots=slots
            )
            continue
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
    return [
        Example(
            with_slips(text, draw) if draw.random() < _SLIPS else text,
            example.labels,
        )
        for examples in found.values()
        for example in examples
        for text in [_of_others(plain(example.text).text, others, draw)]
    ], counts


def _of_others(text: str, share: float, draw: random.Random) -> str:
    if not share or draw.random() >= share:
        return text
    return draw.choice(of_others(text) or (text,))


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
            if row.get("pair"):  # the same, said politely
                yield Example(row["pair"], tuple(0.0 if x == "toxicity" else None for x in LABELS))


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
