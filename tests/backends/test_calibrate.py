"""A model folder is calibrated on labelled texts, and its scores are probabilities from then on."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from moderation import evaluation, labels
from moderation.backends.onnx import OnnxClassifier
from moderation.calibration import calibrate, read_curves
from moderation.classifier import SHIPPED, ClassifierUnavailable
from moderation.policy import DEFAULT
from moderation.reliability import Reliability
from moderation.training.calibrate import fit_model, main
from moderation.training.names import GATE, weigh_names

RUDE = ("You idiot number {}.", "Shut up, moron {}.", "What a pathetic liar you are, {}.")
KIND = ("Thank you for article {}.", "I liked part {} best.", "Tea number {} was warm.")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the model that ships, without its calibration."""
    copy = Path(shutil.copytree(SHIPPED, tmp_path / "model"))
    about = json.loads((copy / "model.json").read_text(encoding="utf-8"))
    about = {key: about[key] for key in about if key not in ("calibration", "reliability")}
    (copy / "model.json").write_text(json.dumps(about), encoding="utf-8")
    return copy


@pytest.fixture
def dev(tmp_path: Path) -> Path:
    """Texts as they come in, one in ten of them rude; and others of which every second one is."""
    made = tmp_path / "dev"
    made.mkdir()
    rude = [text.format(number) for text in RUDE for number in range(20)]
    kind = [text.format(number) for text in KIND for number in range(20)]
    with (made / "natural.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "toxicity", "insult", "threat", "weight"])
        rows.writerows([text, 1, 1, 0, 1] for text in rude)
        rows.writerows([text, 0, 0, 0, 9] for text in kind)
    with (made / "drawn.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "toxicity", "obscene"])
        rows.writerows([text, 1, number % 2] for number, text in enumerate(rude))
        rows.writerows([text, 0, 0] for text in kind)
    return made


def about(folder: Path) -> dict:
    return json.loads((folder / "model.json").read_text(encoding="utf-8"))


def test_the_scores_of_a_calibrated_folder_go_through_its_curves(folder, dev):
    plain = OnnxClassifier.load(folder)

    lines = list(fit_model(folder, dev))

    calibrated = OnnxClassifier.load(folder)
    curves = read_curves(about(folder)["calibration"])
    assert set(curves) == {"toxicity", "insult", "obscene"}
    assert calibrated.version != plain.version
    texts = ["You idiot.", "Nice tea.", ""]
    expected = [calibrate(scores, curves) for scores in plain.score(texts)]
    assert calibrated.score(texts) == expected
    assert any(line.startswith("toxicity: expected calibration error 0.") for line in lines)
    assert any(line.startswith("toxicity on drawn, with as many toxic texts") for line in lines)
    assert any(line.startswith("threat: not calibrated") for line in lines)


def test_the_second_look_has_its_limits_where_the_default_policy_holds(folder, dev):
    weigh_names(folder, replace(GATE, limits=(5.0,) * len(labels.NAMES)))

    lines = list(fit_model(folder, dev))

    fitted = OnnxClassifier.load(folder)
    limits = dict(zip(fitted.labels, fitted.gate.limits, strict=True))
    for label in ("toxicity", "insult", "obscene"):
        hold = fitted.curves[label].undo(np.array(DEFAULT.thresholds[label].hold))
        assert limits[label] == pytest.approx(np.log(hold / (1 - hold)), abs=1e-3)
    # What the texts do not tell stays as it was.
    assert limits["threat"] == 5.0
    assert not [line for line in lines if "not settled" in line]


def test_what_is_drawn_for_its_toxic_texts_is_weighed_as_texts_come_in(folder, dev):
    list(fit_model(folder, dev))

    (natural, drawn) = (
        {each.file: each for each in evaluation.read(dev)}[name] for name in ("natural", "drawn")
    )
    classifier = OnnxClassifier.load(folder)
    scores = evaluation.score(classifier, drawn.texts)["obscene"]
    toxic = drawn.truth["toxicity"] == 1
    rate = float(natural.weight @ (natural.truth["toxicity"] == 1) / natural.weight.sum())
    said = rate * scores[toxic].mean() + (1 - rate) * scores[~toxic].mean()

    # Half of the rude texts are obscene: of all texts, half of one in ten.
    assert said == pytest.approx(rate / 2, abs=0.03)


def test_calibrating_again_starts_from_the_model_itself(folder, dev):
    list(fit_model(folder, dev))
    once = about(folder)
    list(fit_model(folder, dev))
    again = about(folder)

    for label, knots in once["calibration"].items():
        assert np.array(again["calibration"][label]) == pytest.approx(np.array(knots), abs=1e-4)


def test_the_command_says_how_reliable_each_label_is_and_draws_it(folder, dev, tmp_path, capsys):
    drawing = tmp_path / "reliability.svg"

    assert main([str(folder), str(dev), "--diagram", str(drawing)]) == 0

    assert "toxicity: expected calibration error" in capsys.readouterr().out
    found = Reliability.from_json(about(folder)["reliability"]["toxicity"])
    assert (found.texts, found.positives) == (120, 60)
    assert labels.BY_NAME["obscene"].title in drawing.read_text(encoding="utf-8")


def test_the_command_says_what_is_missing(folder, tmp_path, capsys):
    assert main([str(folder), str(tmp_path / "nothing")]) == 1
    assert "is not there" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("calibration", "words"),
    [
        ({"toxicity": [[0, 0.5]]}, "2 to 20 knots"),
        ({"toxicity": [[0, 0.5], [1, 0.4]]}, "must go up"),
        ({"kindness": [[0, 0.1], [1, 0.4]]}, "which the model does not score"),
        ([], "names knots by label"),
    ],
)
def test_a_calibration_that_cannot_be_used_is_refused(folder, calibration, words):
    changed = about(folder) | {"calibration": calibration}
    (folder / "model.json").write_text(json.dumps(changed), encoding="utf-8")

    with pytest.raises(ClassifierUnavailable, match=words):
        OnnxClassifier.load(folder)
