"""A score that only a group's name has made, and one that does not need it."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from moderation import policy
from moderation.backends.names import Gate, of_others
from moderation.backends.onnx import OnnxClassifier
from moderation.classifier import SHIPPED, ClassifierUnavailable
from moderation.policy import Status, judge
from moderation.training.names import GATE, weigh_names


@pytest.mark.parametrize(
    ("text", "of_them"),
    [
        ("Homosexuals are welcome.", "Canadians are welcome."),
        ("An Arab came, and a gay woman.", "A Canadian came, and a Canadian woman."),
        ("African American women vote", "Canadian women vote"),
        ("I am gay", "I am Canadian"),
        ("people with Down syndrome", "Canadian people"),
        ("a gay Muslim", "a Canadian"),
    ],
)
def test_the_same_can_be_said_of_others(text: str, of_them: str) -> None:
    assert of_others(text) == of_them


@pytest.mark.parametrize(
    "text", ["", "The tea is cold.", "this is so gay", "you jew", "Canadians", "polish1 jewel"]
)
def test_what_names_no_group_and_what_is_meant_as_an_insult_stays(text: str) -> None:
    assert of_others(text) is None


def test_the_name_alone_makes_no_score_and_saves_none() -> None:
    gate = Gate(midpoint=-2.0, steepness=4.0, floor=-4.0)
    own = np.array([1.0, -1.0])

    assert gate(own, np.array([-5.0, -6.0])) == pytest.approx([-4.0, -4.0], abs=1e-3)
    assert gate(own, np.array([0.5, -2.0])) == pytest.approx(own, abs=1e-3)
    assert gate(own, np.array([3.0, 3.0])) == pytest.approx(own)


def held(text: str) -> bool:
    (scores,) = OnnxClassifier.load().score([text])
    return judge(scores, (), policy.DEFAULT).status is Status.HELD


def test_a_harmless_sentence_is_published_whomever_it_names() -> None:
    harmless = "Our new neighbours are {}, and they brought us a cake."

    assert not any(held(harmless.format(name)) for name in ("Jews", "homosexuals", "Italians"))


def test_hatred_is_held_whomever_it_hits() -> None:
    hateful = "{} are vermin and should be gassed."

    assert all(held(hateful.format(name)) for name in ("Jews", "Homosexuals", "Italians"))


def test_the_second_look_makes_another_version(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "model"))
    weigh_names(folder, Gate(-1.0, GATE.steepness, GATE.floor))

    assert OnnxClassifier.load(folder).version != OnnxClassifier.load().version


@pytest.mark.parametrize("names", [{"midpoint": "low"}, {"middle": 1}, [1], {"midpoint": 1}])
def test_a_second_look_that_cannot_be_right_is_refused(tmp_path: Path, names: Any) -> None:
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "model"))
    about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    (folder / "model.json").write_text(json.dumps({**about, "names": names}), encoding="utf-8")

    with pytest.raises(ClassifierUnavailable):
        OnnxClassifier.load(folder)
