"""The linear model that stands beside an encoder."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from moderation.backends.ngrams import BITS, Ngrams, pieces
from moderation.backends.onnx import SHIPPED, OnnxClassifier
from moderation.classifier import ClassifierUnavailable
from moderation.training.examples import LABELS, Example
from moderation.training.ngrams import fit_ngrams


def test_pieces_are_the_same_on_every_machine() -> None:
    buckets, counts = pieces("You idiot, you")

    assert len(buckets) == len(set(buckets)) == 39
    assert int(buckets.sum()) == 10_712_394
    assert counts.max() == pytest.approx(1 + np.log(2))


def test_case_and_gaps_do_not_count() -> None:
    assert pieces("You  Idiot\n")[0].tolist() == pieces("you idiot")[0].tolist()


@pytest.mark.parametrize("text", ["", " ", "a", "ab", "🐷", "أنت", "x" * 100_000])
def test_any_text_has_a_logit(text: str) -> None:
    model = Ngrams(
        np.ones(1 << BITS, dtype=np.float16),
        np.ones((1 << BITS, 2), dtype=np.int8),
        np.full(2, 0.01, dtype=np.float32),
        np.array([-1, 1], dtype=np.float32),
    )

    assert np.isfinite(model.logits(text)).all()


@pytest.fixture(scope="module")
def fitted() -> Ngrams:
    rude = [Example(f"You are an idiot, number {n}", (1, *[0.0] * 6)) for n in range(20)]
    kind = [Example(f"Thank you for part {n} of this", (0, *[0.0] * 6)) for n in range(20)]
    return fit_ngrams(rude + kind)


def test_it_learns_words_and_spellings(fitted: Ngrams) -> None:
    rude, misspelled, kind = (
        fitted.logits(text)[0] for text in ("idiot", "you idiots", "thank you for this")
    )

    assert rude > kind
    assert misspelled > kind


def test_a_label_without_examples_is_left_to_the_encoder(fitted: Ngrams) -> None:
    assert fitted.logits("idiot")[1] == 0


def folder_with(ngrams: Ngrams, folder: Path, **change: object) -> Path:
    shutil.copytree(SHIPPED, folder)
    ngrams.save(folder / "ngrams.npz")
    about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    digest = hashlib.sha256((folder / "ngrams.npz").read_bytes()).hexdigest()
    about["ngrams"] = {"sha256": digest, "share": 0.5, **change}
    about.pop("calibration", None)
    (folder / "model.json").write_text(json.dumps(about), encoding="utf-8")
    return folder


def test_a_score_is_made_of_both(fitted: Ngrams, tmp_path: Path) -> None:
    little = OnnxClassifier.load(folder_with(fitted, tmp_path / "little", share=0.001))
    much = OnnxClassifier.load(folder_with(fitted, tmp_path / "much", share=0.999))

    text = "You are an idiot"
    logit = float(fitted.logits(text)[0])
    assert much.score([text])[0]["toxicity"] == pytest.approx(1 / (1 + np.exp(-logit)), abs=0.01)
    assert little.score([text])[0]["toxicity"] != pytest.approx(
        much.score([text])[0]["toxicity"], abs=0.01
    )
    assert little.version != much.version
    assert little.labels == LABELS


def test_an_insult_at_the_end_of_a_long_text_counts_in_full(fitted: Ngrams, tmp_path: Path) -> None:
    classifier = OnnxClassifier.load(folder_with(fitted, tmp_path / "both"))
    harmless = "Thank you for this part of it. " * 100

    calm, rude = classifier.score([harmless, harmless + "You are an idiot. " * 8])

    assert rude["toxicity"] > calm["toxicity"] + 0.05


@pytest.mark.parametrize(
    ("change", "words"),
    [({"sha256": "0" * 64}, "is not the file"), ({"share": 1.5}, "between 0 and 1")],
)
def test_a_linear_model_that_is_not_the_promised_one_is_refused(
    fitted: Ngrams, tmp_path: Path, change: dict[str, object], words: str
) -> None:
    with pytest.raises(ClassifierUnavailable, match=words):
        OnnxClassifier.load(folder_with(fitted, tmp_path / "bad", **change))


def test_a_missing_linear_model_is_named(fitted: Ngrams, tmp_path: Path) -> None:
    folder = folder_with(fitted, tmp_path / "missing")
    (folder / "ngrams.npz").unlink()

    with pytest.raises(ClassifierUnavailable, match=r"ngrams\.npz"):
        OnnxClassifier.load(folder)
