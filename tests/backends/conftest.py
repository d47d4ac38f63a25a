"""The classifiers under test. Nothing here may reach a network."""

import json
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from moderation.backends.onnx import SHIPPED, OnnxClassifier
from moderation.classifier import Classifier


@contextmanager
def _offline() -> Iterator[None]:
    def refuse(*where: object, **_: object) -> NoReturn:
        raise AssertionError(f"something asked the network: {where}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        patch.setattr(socket, "getaddrinfo", refuse)
        yield


@pytest.fixture(autouse=True)
def no_network() -> Iterator[None]:
    """Whoever asks for a connection or an address fails the test."""
    with _offline():
        yield


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped weights as a file in Detoxify's own format, its folder and sha256 beside it."""
    from moderation.training.checkpoint import from_onnx
    from moderation.training.encoder import configuration, find_encoder

    path = tmp_path_factory.mktemp("checkpoint") / "shipped.ckpt"
    with _offline():
        from_onnx(SHIPPED, configuration(find_encoder()).to_dict(), path)
    return path


@pytest.fixture(scope="session")
def encoder_alone(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    """The shipped encoder without all that goes with it in the folder."""
    folder = shutil.copytree(SHIPPED, tmp_path_factory.mktemp("encoder") / "alone")
    about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    about.pop("ngrams", None)
    about.pop("names", None)
    about.pop("calibration", None)
    (folder / "model.json").write_text(json.dumps(about), encoding="utf-8")
    return OnnxClassifier.load(folder)


@pytest.fixture(scope="session")
def onnx() -> Classifier:
    with _offline():
        return OnnxClassifier.load()


@pytest.fixture(scope="session")
def detoxify(checkpoint: Path) -> Classifier:
    from moderation.backends.detoxify import DetoxifyClassifier

    with _offline():
        return DetoxifyClassifier.load(str(checkpoint))


@pytest.fixture(params=["onnx", "detoxify"])
def classifier(request: pytest.FixtureRequest) -> Classifier:
    """Each backend in turn."""
    backend: Classifier = request.getfixturevalue(request.param)
    return backend
