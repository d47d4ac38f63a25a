"""The onnx backend's own promises: which files it takes, and how it counts."""

import json
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from moderation.backends.onnx import SHIPPED, OnnxClassifier
from moderation.backends.windows import readable, windows, worst
from moderation.classifier import ClassifierUnavailable, ScoringFailed
from moderation.loading import load_classifier


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped model, to be spoilt."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "model"))


def rewrite(folder: Path, **changes: Any) -> None:
    file = folder / "model.json"
    about = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**about, **changes}), encoding="utf-8")


def test_the_shipped_model_is_small_enough_for_a_repository() -> None:
    size = sum(file.stat().st_size for file in SHIPPED.iterdir())

    assert size <= 30 * 1024 * 1024


def test_the_shipped_model_says_what_it_is() -> None:
    about = json.loads((SHIPPED / "model.json").read_text(encoding="utf-8"))

    assert about["name"] == "detoxify-mini"
    assert about["figures"]["auc"]["jigsaw"]["mean of six"] >= 0.965
    assert all(source["rows"] and source["licence"] for source in about["trained_on"])


def test_it_is_the_default_and_loads_without_torch() -> None:
    program = (
        "import sys; from moderation.loading import load_classifier; "
        "load_classifier().score(['a text']); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'detoxify')))"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_another_folder_can_be_named(folder: Path) -> None:
    rewrite(folder, name="another")

    assert load_classifier(f"onnx:{folder}").name == "another"


def test_the_same_text_scores_the_same_in_any_company() -> None:
    classifier = OnnxClassifier.load()
    long = "You really should read the whole article before you write such things. " * 5

    alone = classifier.score(["Shut up."])[0]
    in_company = classifier.score(["😡", "Shut up.", long])[1]

    assert alone == in_company


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "model.json"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()

    with pytest.raises(ClassifierUnavailable, match=name):
        OnnxClassifier.load(folder)


def test_weights_other_than_those_described_are_refused(folder: Path) -> None:
    with (folder / "model.onnx").open("r+b") as weights:
        weights.seek(1000)
        weights.write(b"!")

    with pytest.raises(ClassifierUnavailable, match="sha256"):
        OnnxClassifier.load(folder)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"labels": ["rudeness"]}, "rudeness"),
        ({"labels": ["toxicity", "toxicity"]}, "each once"),
        ({"labels": []}, "none"),
        (
            {"labels": ["toxicity", "threat"], "calibration": {}},
            "names 2 labels, and the model scores 7",
        ),
        ({"window": "wide"}, "wide"),
        ({"window": 3}, "8 to 8192"),
        ({"window": 10**12}, "8 to 8192"),
        ({"window": 513}, "cannot read 513 tokens"),
        ({"labels": 6}, "must name"),
    ],
)
def test_a_description_that_cannot_be_right_is_refused(
    folder: Path, changes: dict[str, Any], words: str
) -> None:
    rewrite(folder, **changes)

    with pytest.raises(ClassifierUnavailable, match=words):
        OnnxClassifier.load(folder)


def test_a_description_that_is_no_json_is_refused(folder: Path) -> None:
    (folder / "model.json").write_text("{", encoding="utf-8")

    with pytest.raises(ClassifierUnavailable, match=r"model\.json"):
        OnnxClassifier.load(folder)


def test_a_tokenizer_that_is_no_json_is_refused(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("not a tokenizer", encoding="utf-8")

    with pytest.raises(ClassifierUnavailable, match="cannot be loaded"):
        OnnxClassifier.load(folder)


def test_an_unknown_backend_is_named() -> None:
    with pytest.raises(ClassifierUnavailable, match="'word-list'"):
        load_classifier("word-list")


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), float("-inf")])
def test_a_score_that_is_no_number_never_counts_as_harmless(broken: float) -> None:
    with pytest.raises(ScoringFailed, match="not a number"):
        worst(np.array([[0.1], [broken]]), [0, 0], ["toxicity"], 1)


def test_the_worst_window_counts_for_each_label() -> None:
    rows = np.array([[0.1, 0.9], [0.7, 0.2], [0.3, 0.3]])

    found = worst(rows, [0, 0, 1], ["insult", "threat"], 2)

    assert found == [{"insult": 0.7, "threat": 0.9}, {"insult": 0.3, "threat": 0.3}]


@pytest.mark.parametrize("tokens", [0, 1, 99, 100, 101, 174, 175, 176, 1000, 4321])
def test_windows_cover_every_token_and_neighbours_overlap(tokens: int) -> None:
    found = [range(tokens)[window] for window in windows(tokens, 100)]

    assert set().union(*found) == set(range(tokens))
    assert all(len(window) == min(tokens, 100) for window in found)
    for one, following in pairwise(found):
        assert one.start < following.start <= one.stop - 25


def test_only_words_that_no_tokenizer_takes_are_broken() -> None:
    assert readable("a fine word, and " + "b" * 60) == "a fine word, and " + "b" * 60
    assert readable("b" * 61) == "b" * 60 + " b"
    assert readable("") == ""
