"""A score that only a group's name has made, and one that does not need it."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from moderation import policy
from moderation.backends.names import Gate, of_others
from moderation.backends.onnx import OnnxClassifier
from moderation.classifier import SHIPPED, Classifier, ClassifierUnavailable
from moderation.policy import Status, judge
from moderation.training.names import GATE, weigh_names


@pytest.mark.parametrize(
    ("text", "of_them"),
    [
        ("Homosexuals are welcome.", "Canadians are welcome."),
        ("Canadians are welcome.", "Canadians are welcome."),
        ("An Arab came, and a gay woman.", "A Canadian came, and a Canadian."),
        ("African American women vote", "Canadians vote"),
        ("Muslim children sing", "Canadian children sing"),
        ("I am gay", "I am Canadian"),
        ("What is it like to be fat?", "What is it like to be Canadian?"),
        ("people with Down syndrome", "Canadians"),
        ("An elderly woman in a wheelchair sang.", "A Canadian sang."),
        ("a M\u0101ori and a gay Muslim", "a Canadian and a Canadian"),
    ],
)
def test_the_same_can_be_said_of_others(text: str, of_them: str) -> None:
    assert of_others(text)[0] == of_them


def test_and_of_yet_others() -> None:
    assert of_others("A Jew and two Turks met an Arab.") == (
        "A Canadian and two Canadians met a Canadian.",
        "An Australian and two Australians met an Australian.",
    )


@pytest.mark.parametrize(
    "text",
    ["", "The tea is cold.", "this is so gay", "you jew", "old habits", "polish1 jewel", "women"],
)
def test_what_names_no_group_and_what_is_meant_as_an_insult_stays(text: str) -> None:
    assert of_others(text) == ()


GATE_OF_TWO = Gate(midpoint=-2.5, steepness=4.0, floor=-4.0, limits=(0.0, -1.0))


@pytest.mark.parametrize(
    ("others", "found"),
    [
        # Far from the limits nothing of the own score is left.
        ([(-5.0, -6.0)], (-4.0, -4.0)),
        # Nearer, it counts up to the limits.
        ([(-1.0, -2.0)], (0.0, -1.0)),
        # Held of the first, not of the second: no more than the name.
        ([(2.0, 1.0), (-1.0, -2.0)], (0.0, -1.0)),
        # Held whomever it names.
        ([(0.5, -2.0), (0.2, -3.0)], (1.0, -0.5)),
        ([(3.0, -2.0), (2.0, -3.0)], (2.0, -0.5)),
    ],
)
def test_a_name_brings_no_text_over_a_limit_and_none_below(
    others: list[tuple[float, float]], found: tuple[float, float]
) -> None:
    own = np.array([1.0, -0.5])

    assert GATE_OF_TWO(own, map(np.array, others)) == pytest.approx(found, abs=1e-2)


@pytest.mark.parametrize(
    ("others", "found"),
    [
        # Nearly held of both: the own score decides.
        ([(-0.3, -2.0), (-0.1, -3.0)], (1.0, -0.5)),
        # Nearly held of one alone.
        ([(-0.1, -2.0), (-0.5, -3.0)], (0.0, -1.0)),
    ],
)
def test_where_little_is_missing_for_the_others_the_name_may_decide(
    others: list[tuple[float, float]], found: tuple[float, float]
) -> None:
    own = np.array([1.0, -0.5])

    assert replace(GATE_OF_TWO, slack=0.4)(own, map(np.array, others)) == pytest.approx(
        found, abs=1e-2
    )


def test_no_more_is_asked_once_one_of_the_others_is_not_held() -> None:
    others = iter([np.array([-1.0, -2.0]), np.array([3.0, 3.0])])

    GATE_OF_TWO(np.array([1.0, 1.0]), others)

    assert len(list(others)) == 1


def test_the_limits_are_those_of_the_default_policy(onnx: OnnxClassifier) -> None:
    assert onnx.gate is not None
    assert set(onnx.curves) == set(onnx.labels)
    for label, limit in zip(onnx.labels, onnx.gate.limits, strict=True):
        score = float(onnx.curves[label].undo(np.array(policy.DEFAULT.thresholds[label].hold)))
        assert limit == pytest.approx(np.log(score / (1 - score)) - 0.0005, abs=0.0004)


def held(classifier: Classifier, sentence: str) -> set[bool]:
    names = ("Jews", "homosexuals", "Italians", "black women", "people with epilepsy", "Sikhs")
    return {
        judge(scores, (), policy.DEFAULT).status is Status.HELD
        for scores in classifier.score([sentence.format(name) for name in names])
    }


@pytest.mark.parametrize(
    ("sentence", "is_held"),
    [
        ("Our new neighbours are {}, and they brought us a cake.", False),
        ("{} are vermin and should be gassed.", True),
        # Near the limit, so that the names alone would part them.
        ("Too many {} are still turned away when they look for a flat.", True),
        ("I am tired of politicians who only remember {} before an election.", False),
    ],
)
def test_a_sentence_is_held_or_published_whomever_it_names(
    onnx: Classifier, sentence: str, is_held: bool
) -> None:
    assert held(onnx, sentence) == {is_held}


def test_the_second_look_makes_another_version(onnx: Classifier, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "model"))
    weigh_names(folder, replace(GATE, midpoint=-1.0))

    assert OnnxClassifier.load(folder).version != onnx.version


@pytest.mark.parametrize(
    "names",
    [
        {"midpoint": "low", "steepness": 4, "floor": -4, "limits": {}},
        {"middle": 1},
        [1],
        {"midpoint": -2, "steepness": 4, "floor": -4},
        {"midpoint": -2, "steepness": 4, "floor": -4, "limits": [1]},
        {"midpoint": -2, "steepness": 4, "floor": -4, "limits": {"toxicity": "low"}},
    ],
)
def test_a_second_look_that_cannot_be_right_is_refused(tmp_path: Path, names: Any) -> None:
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "model"))
    about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    (folder / "model.json").write_text(json.dumps({**about, "names": names}), encoding="utf-8")

    with pytest.raises(ClassifierUnavailable):
        OnnxClassifier.load(folder)
