"""How a model is made: from labelled texts to a folder that the site loads."""

import csv
import gzip
import io
import json
import random
import shutil
from collections.abc import Sequence
from contextlib import redirect_stdout
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from moderation import labels
from moderation.backends.onnx import SHIPPED, OnnxClassifier
from moderation.loading import load_classifier
from moderation.training.__main__ import main
from moderation.training.errors import TrainingRefused
from moderation.training.fit import Recipe, plan_batches
from moderation.training.made import make_sentences
from moderation.training.slips import with_slips
from moderation.training.texts import (
    ALL_SOURCES,
    COMMENT_SOURCES,
    NGRAM_SOURCES,
    OTHERS_SOURCES,
    REFINE_SOURCES,
    SOURCES,
    read_sources,
)


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of the right form and no size, so that a training takes seconds."""
    import torch
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("encoder")
    torch.manual_seed(1)
    config = BertConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        initializer_range=0.2,
    )
    BertModel(config).save_pretrained(folder)
    shutil.copy(SHIPPED / "tokenizer.json", folder)
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Forty labelled texts, some of them labelled in part."""
    return write_texts(tmp_path / "data")


@pytest.fixture(scope="session")
def whole(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """What a training of `data` in one go wrote, and what it printed."""
    folder = tmp_path_factory.mktemp("whole")
    data = write_texts(folder / "data")
    with redirect_stdout(io.StringIO()) as printed:
        assert train(data, encoder, folder / "out", "--dev", str(data)) == 0
    return folder / "out", printed.getvalue()


def write_texts(folder: Path) -> Path:
    folder.mkdir()
    rude = [(f"You are idiot number {n}, get lost", [1, 0, 1, 0, 1, 0, ""]) for n in range(15)]
    kind = [(f"Thank you for article {n} " * n, [0, 0, 0, 0, 0, 0, ""]) for n in range(15)]
    votes = [(f"What nonsense is part {n}", [0.4, "", "", "", "", "", ""]) for n in range(10)]
    write(folder / "jigsaw.csv.gz", rude + kind)
    write(folder / "civil_news_votes.csv.gz", votes)
    return folder


def write(path: Path, rows: Sequence[tuple[str, Sequence[object]]]) -> None:
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["text", *labels.NAMES])
        table.writerows([text, *marks] for text, marks in rows)


def train(data: Path, encoder: Path, out: Path, *more: str) -> int:
    sources = ["jigsaw", "civil_news_votes"]
    return main(
        [
            *("--data", str(data), "--out", str(out), "--encoder", str(encoder)),
            *("--batch", "8", "--rate", "1e-3", "--sources", *sources, *more),
        ]
    )


def alone(folder: Path, to: Path) -> Path:
    """The encoder of a model folder without what stands beside it."""
    shutil.copytree(folder, to)
    about = json.loads((to / "model.json").read_text(encoding="utf-8"))
    about.pop("ngrams")
    about.pop("names")
    about.pop("calibration", None)
    (to / "model.json").write_text(json.dumps(about), encoding="utf-8")
    return to


def weights(out: Path) -> dict[str, Any]:
    import torch

    loaded = torch.load(out / "detoxify-mini.ckpt", weights_only=True)
    state: dict[str, Any] = loaded["state_dict"]
    return state


def test_a_training_writes_a_checkpoint_and_an_int8_model_that_load(
    whole: tuple[Path, str], tmp_path: Path
) -> None:
    out, printed = whole

    assert "0 min 00 s left" in printed
    assert "apart in the mean" in printed
    assert "jigsaw: toxicity AUC" in printed
    assert "jigsaw: toxicity hold" in printed
    both = load_classifier(f"onnx:{out / 'onnx'}")
    encoder_alone = load_classifier(f"onnx:{alone(out / 'onnx', tmp_path / 'alone')}")
    full = load_classifier(f"detoxify:{out / 'detoxify-mini.ckpt'}")
    assert both.labels == encoder_alone.labels == full.labels == labels.NAMES
    text = "You are idiot number 99"
    assert encoder_alone.score([text])[0] == pytest.approx(dict(full.score([text])[0]), abs=0.05)
    about = json.loads((out / "onnx" / "model.json").read_text(encoding="utf-8"))
    assert {source["name"]: source["rows"] for source in about["trained_on"]} == {
        "jigsaw": 30,
        "civil_news_votes": 10,
    }
    assert about["figures"]["auc"]["jigsaw"]["toxicity"] == pytest.approx(1, abs=0.5)


def test_a_training_learns(data: Path, encoder: Path, tmp_path: Path) -> None:
    train(data, encoder, tmp_path / "out", "--passes", "20")

    rude, kind = OnnxClassifier.load(tmp_path / "out" / "onnx").score(
        ["You are idiot number 4, get lost", "Thank you for article 4 " * 4]
    )

    assert rude["toxicity"] > kind["toxicity"] + 0.2


def test_an_interrupted_training_goes_on_and_ends_with_the_same_weights(
    data: Path,
    encoder: Path,
    whole: tuple[Path, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert train(data, encoder, tmp_path / "halves", "--steps", "2") == 0
    assert "The same command goes on" in capsys.readouterr().out
    assert not (tmp_path / "halves" / "detoxify-mini.ckpt").exists()

    assert train(data, encoder, tmp_path / "halves") == 0

    assert "Going on from step 2 of 5" in capsys.readouterr().out
    once, halves = weights(whole[0]), weights(tmp_path / "halves")
    assert all((once[name] == halves[name]).all() for name in once)


def test_an_unfinished_training_on_other_texts_is_not_mixed_with(
    data: Path, encoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    train(data, encoder, out, "--steps", "1")

    assert train(data, encoder, out, "--seed", "5") == 1
    assert "other texts or another recipe" in capsys.readouterr().err
    assert train(data, encoder, out, "--seed", "5", "--steps", "1", "--restart") == 0


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        (["news_insults"], "may be trained on"),
        (["../secret"], "may be trained on"),
        (["jigsaw=many"], "NAME=ROWS"),
        (["sexism"], "is not there"),
    ],
)
def test_a_set_that_may_not_be_used_is_refused(data: Path, sources: list[str], words: str) -> None:
    with pytest.raises(TrainingRefused, match=words):
        read_sources(data, sources)


def test_every_default_set_states_a_licence() -> None:
    fits = COMMENT_SOURCES, ALL_SOURCES, REFINE_SOURCES, OTHERS_SOURCES, NGRAM_SOURCES
    for source in chain.from_iterable(fits):
        assert SOURCES[source.partition("=")[0]].licence
    assert "news_insults" not in SOURCES


def test_an_empty_cell_is_not_a_zero(data: Path) -> None:
    examples, counts = read_sources(data, ["civil_news_votes"])

    assert counts == {"civil_news_votes": 10}
    assert examples[0].labels == (0.4, *[None] * 6)


def test_texts_come_in_plain_spelling(data: Path) -> None:
    write(data / "jigsaw.csv.gz", [("You 1d10t", [1, *[0] * 6])])

    examples, _ = read_sources(data, ["jigsaw"], seed=1)

    assert examples[0].text == "You idiot"


def test_what_was_said_politely_is_learned_beside_it(data: Path) -> None:
    with gzip.open(data / "rewritten_pairs.csv.gz", "wt", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["text", *labels.NAMES, "pair"])
        table.writerow(["Shut up", 1, *[""] * 6, "Please stop"])

    examples, counts = read_sources(data, ["rewritten_pairs"], seed=1)

    assert {example.text: example.labels[0] for example in examples} == {
        "Shut up": 1,
        "Please stop": 0,
    }
    assert counts == {"rewritten_pairs": 2}


def test_what_is_said_of_a_group_is_learned_of_its_stand_ins_too(data: Path) -> None:
    said = [("Muslims moved in next door", [0] * 7), ("The bus is late", [0] * 7)]
    write(data / "jigsaw.csv.gz", said * 20)

    examples, _ = read_sources(data, ["jigsaw"], seed=5, others=0.5)

    texts = {example.text.removesuffix(" moved in next door") for example in examples}
    assert texts >= {"Muslims", "Canadians", "Australians", "The bus is late"}


def test_sentences_of_our_own_are_the_same_each_time_and_say_both_things_of_each_group() -> None:
    made = make_sentences(12_000, seed=1)

    assert made == make_sentences(12_000, seed=1)
    assert len({example.text for example in made}) == len(made)
    for name in ("Muslim", "women", "gay", "black", "German", "teacher"):
        said = [x.labels[0] for x in made if name.lower() in x.text.lower()]
        assert 0.15 < sum(map(float, filter(None, said))) / len(said) < 0.85


def test_a_slip_of_the_finger_leaves_most_of_a_text_alone() -> None:
    text = "Nobody could ever have written such a wonderful sentence without a single mistake"

    slipped = with_slips(text, random.Random(3))

    changed = sum(a != b for a, b in zip(text.split(), slipped.split(), strict=False))
    assert slipped != text
    assert with_slips("I am so", random.Random(3)) == "I am so"
    assert changed >= 1


def test_a_cap_draws_the_same_rows_each_time(data: Path) -> None:
    once, counts = read_sources(data, ["jigsaw=12", "civil_news_votes"], rows=11, seed=3)
    again, _ = read_sources(data, ["jigsaw=12", "civil_news_votes"], rows=11, seed=3)

    assert once == again
    assert counts == {"jigsaw": 6, "civil_news_votes": 5}


@pytest.mark.parametrize("cell", ["2", "-1", "nan", "often"])
def test_a_label_out_of_range_is_named_with_its_line(data: Path, cell: str) -> None:
    write(data / "jigsaw.csv.gz", [("a", [0] * 7), ("b", [cell, *[0] * 6])])

    with pytest.raises(TrainingRefused, match=f"line 3: '{cell}'"):
        read_sources(data, ["jigsaw"])


def test_batches_hold_each_text_once_a_pass_and_are_of_like_length() -> None:
    lengths = [(n * 37) % 128 + 1 for n in range(1000)]

    batches = plan_batches(lengths, Recipe(passes=2, batch=16))

    assert sorted(place for batch in batches for place in batch) == sorted([*range(1000)] * 2)
    spread = [max(lengths[p] for p in b) - min(lengths[p] for p in b) for b in batches]
    assert sum(spread) / len(spread) < 5
    assert batches == plan_batches(lengths, Recipe(passes=2, batch=16))
    assert batches != plan_batches(lengths, Recipe(passes=2, batch=16, seed=1))
