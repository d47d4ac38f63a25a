"""Models of Detoxify's in onnxruntime: every build, every set of labels, close to the original."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from moderation import catalogue
from moderation.backends import conversion
from moderation.classifier import ClassifierUnavailable
from moderation.loading import load_classifier
from tests import checkpoints


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The folder of models is looked for where one is."""
    monkeypatch.chdir(tmp_path)
    return


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A checkpoint of each of the five builds."""
    folder = tmp_path_factory.mktemp("checkpoints")
    return {name: checkpoints.make(name, folder / name) for name in checkpoints.KINDS}


@pytest.mark.parametrize("build", checkpoints.KINDS)
def test_each_of_the_five_is_converted_and_scores_as_detoxify_itself(
    files: dict[str, Path], build: str
) -> None:
    from detoxify import Detoxify

    file = files[build]
    text = "Thank you for the article; the library stays open until six."
    # As its README has it for machines offline; the package asks for a name as well.
    itself = Detoxify(checkpoint=_named(file))

    added = catalogue.add(f"detoxify:{file}@{file.parent}", name="newsroom")
    converted = load_classifier("newsroom")

    assert converted.labels == tuple(itself.class_names)
    assert set(converted.labels) <= set(checkpoints.SEVEN)
    assert converted.score([text])[0] == pytest.approx(itself.predict(text), abs=0.1)
    assert added.about["parity"]["mean"] <= conversion.FARTHEST
    assert added.about["checkpoint"]["sha256"] == checkpoints.sha256(file)


def _named(file: Path) -> Path:
    """Write the checkpoint again with its folder in the place of the model's name on the hub."""
    import torch

    loaded = torch.load(file, weights_only=False)
    loaded["config"]["arch"]["args"]["model_type"] = str(file.parent)
    torch.save(loaded, "named.ckpt")
    return Path("named.ckpt")


def test_labels_may_stand_in_any_order(tmp_path: Path) -> None:
    backwards = tuple(reversed(checkpoints.SIX))
    file = checkpoints.make("original-small", tmp_path / "backwards", classes=backwards)

    catalogue.add(f"detoxify:{file}@{file.parent}", name="backwards")

    original, converted = (
        load_classifier(spec) for spec in (f"detoxify:{file}@{file.parent}", "backwards")
    )
    assert converted.labels[0] == "identity_attack"
    assert converted.labels[-1] == "toxicity"
    (a,), (b,) = (one.score(["You idiot!"]) for one in (original, converted))
    assert a == pytest.approx(b, abs=0.1)


def test_long_texts_are_read_to_their_end(files: dict[str, Path]) -> None:
    file = files["unbiased"]
    catalogue.add(f"detoxify:{file}@{file.parent}", name="unbiased")
    converted = load_classifier("unbiased")

    long = "The council will vote on the bus line. " * 60
    plain, other = converted.score([long, long + "You idiot! Shut up, you moron!"])

    assert plain != other


def test_a_model_that_scores_otherwise_in_int8_is_refused_and_nothing_is_left(
    files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversion, "FARTHEST", 0.0)
    file = files["original-small"]

    with pytest.raises(ClassifierUnavailable, match="in the mean"):
        catalogue.add(f"detoxify:{file}@{file.parent}", name="far")

    assert list((tmp_path / "models").iterdir()) == []


def test_the_texts_of_the_comparison_are_plain_as_the_classifier_reads_them() -> None:
    from moderation.spelling import plain

    assert [plain(text).text for text in conversion.TEXTS] == list(conversion.TEXTS)


@pytest.mark.parametrize("name", ["onnx", "../up", ".hidden", "a b"])
def test_a_name_that_cannot_be_a_folder_or_means_another_is_refused(
    files: dict[str, Path], name: str
) -> None:
    with pytest.raises(ClassifierUnavailable, match="--name"):
        catalogue.add(str(files["original"]), name=name)


def test_a_name_is_not_taken_twice(files: dict[str, Path]) -> None:
    file = files["original-small"]
    catalogue.add(f"{file}@{file.parent}", name="ours")

    with pytest.raises(ClassifierUnavailable, match="already"):
        catalogue.add(f"{file}@{file.parent}", name="ours")


def test_a_file_that_is_not_the_one_that_was_promised_is_not_opened(
    files: dict[str, Path],
) -> None:
    with pytest.raises(ClassifierUnavailable, match="not opened"):
        catalogue.add(f"detoxify:{files['original']}", name="ours", sha256="0" * 64)


def test_with_its_files_in_a_folder_a_model_is_added_and_scores_without_a_network(
    files: dict[str, Path], tmp_path: Path
) -> None:
    folder = files["multilingual"].parent
    digest = checkpoints.sha256(files["multilingual"])
    # Named as the published files are, after the start of its own sha256.
    (folder / f"multilingual-{digest[:8]}.ckpt").hardlink_to(files["multilingual"])
    program = f"""
import os, socket, sys
def refuse(*where, **_):
    # Not an exception: somebody might catch it.
    print("something asked the network:", where, file=sys.stderr, flush=True)
    os._exit(70)
for name in ("connect", "connect_ex", "sendto", "bind"):
    setattr(socket.socket, name, refuse)
for name in ("getaddrinfo", "gethostbyname"):
    setattr(socket, name, refuse)
from detoxify import detoxify
detoxify.MODEL_URLS["multilingual"] = "https://example.org/multilingual-{digest[:8]}.ckpt"
from forum import cli
from moderation.loading import load_classifier
try:
    cli.main(["model", "add", "detoxify:multilingual@{folder}"])
except SystemExit as ended:
    assert ended.code == 0, ended.code
print(load_classifier("multilingual").name)
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=False
    )

    assert ran.returncode == 0, ran.stderr
    assert "in the mean" in ran.stdout
    assert ran.stdout.endswith("detoxify-multilingual\n")
