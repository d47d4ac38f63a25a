"""The detoxify backend: what it opens, and what it refuses to open."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from moderation.classifier import Classifier, ClassifierUnavailable
from moderation.loading import load_classifier
from moderation.training.figures import FURTHEST


def load(spec: object) -> Classifier:
    return load_classifier(f"detoxify:{spec}")


@pytest.fixture
def copied(checkpoint: Path, tmp_path: Path) -> Path:
    """The checkpoint in a folder of its own, with nothing beside it."""
    return Path(shutil.copy(checkpoint, tmp_path / "copy.ckpt"))


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_detoxify_itself_loads_the_checkpoint_without_a_network(
    checkpoint: Path, encoder_alone: Classifier
) -> None:
    from detoxify import Detoxify

    text = "Nobody asked you, you moron."
    (small,) = encoder_alone.score([text])
    (full,) = load(f"{checkpoint}@{checkpoint.with_suffix('')}").score([text])

    for itself in (
        Detoxify(checkpoint=checkpoint),
        Detoxify(checkpoint=checkpoint, huggingface_config_path=checkpoint.with_suffix("")),
    ):
        found = itself.predict(text)
        assert found == pytest.approx(dict(full), abs=1e-4)
        # As near as int8 must be to its checkpoint.
        assert np.mean([abs(found[label] - small[label]) for label in small]) < FURTHEST


def test_a_checkpoint_without_its_sha256_is_not_opened(copied: Path) -> None:
    with pytest.raises(ClassifierUnavailable, match="sha256sum"):
        load(copied)


def test_a_changed_checkpoint_is_not_opened(copied: Path, tmp_path: Path) -> None:
    trap = tmp_path / "it-ran"
    # What a hostile pickle would do on opening.
    copied.write_bytes(b"cpathlib\nPath.touch\n(cpathlib\nPath\n(V%s\ntRtR." % str(trap).encode())
    copied.with_name("copy.ckpt.sha256").write_text("0" * 64 + "  copy.ckpt\n")

    with pytest.raises(ClassifierUnavailable, match="not opened"):
        load(copied)
    assert not trap.exists()


def test_the_sha256_may_stand_in_the_spec(copied: Path, checkpoint: Path) -> None:
    classifier = load(f"{copied}#sha256={sha256(copied)}@{checkpoint.with_suffix('')}")

    assert classifier.version == sha256(copied)[:12]
    assert classifier.name == "copy"


@pytest.mark.parametrize("short", ["abc", "z" * 64, ""])
def test_a_sha256_that_is_none_is_refused(copied: Path, short: str) -> None:
    with pytest.raises(ClassifierUnavailable, match="sha256"):
        load(f"{copied}#sha256={short}")


def test_a_moved_checkpoint_reads_the_folder_that_is_named(
    copied: Path, checkpoint: Path, tmp_path: Path
) -> None:
    digest = sha256(copied)
    copied.with_name("copy.ckpt.sha256").write_text(f"{digest}  copy.ckpt\n")
    folder = shutil.copytree(checkpoint.with_suffix(""), tmp_path / "words@home")

    assert load(f"{copied}@{folder}").version == digest[:12]


def test_a_file_that_is_no_checkpoint_says_so(tmp_path: Path) -> None:
    import torch

    file = tmp_path / "other.ckpt"
    torch.save({"weights": 1}, file)

    with pytest.raises(ClassifierUnavailable, match="no Detoxify checkpoint"):
        load(f"{file}#sha256={sha256(file)}")


def test_a_missing_file_names_what_there_is() -> None:
    with pytest.raises(ClassifierUnavailable, match="original-small"):
        load("no-such-model")


def test_a_missing_folder_is_named(checkpoint: Path) -> None:
    with pytest.raises(ClassifierUnavailable, match="/no/such/folder"):
        load(f"{checkpoint}@/no/such/folder")


@pytest.mark.parametrize("missing", ["config.json", "tokenizer.json"])
def test_a_folder_without_configuration_or_tokenizer_is_refused(
    checkpoint: Path, tmp_path: Path, missing: str
) -> None:
    folder = Path(shutil.copytree(checkpoint.with_suffix(""), tmp_path / "folder"))
    (folder / missing).unlink()

    with pytest.raises(ClassifierUnavailable, match=str(folder)):
        load(f"{checkpoint}@{folder}")


def test_a_named_model_offline_asks_for_its_file_by_name(tmp_path: Path) -> None:
    with pytest.raises(ClassifierUnavailable, match=r"toxic_original-c1212f89\.ckpt"):
        load(f"original@{tmp_path}")


def test_a_named_model_whose_file_is_another_is_not_opened(
    checkpoint: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(checkpoint.with_suffix(""), tmp_path / "folder"))
    shutil.copy(checkpoint, folder / "original-albert-0e1d6498.ckpt")

    with pytest.raises(ClassifierUnavailable, match="0e1d6498"):
        load(f"original-small@{folder}")


def test_a_named_model_loads_from_a_folder_and_the_network_is_not_asked(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from detoxify import detoxify as package

    # The real files are not here; one of ours stands in under a name that carries its own sha256.
    name = f"toxic_original-{sha256(checkpoint)[:8]}.ckpt"
    monkeypatch.setitem(package.MODEL_URLS, "original", f"https://example.org/{name}")
    folder = Path(shutil.copytree(checkpoint.with_suffix(""), tmp_path / "folder"))
    shutil.copy(checkpoint, folder / name)

    classifier = load(f"original@{folder}")

    assert classifier.name == "detoxify-original"
    assert classifier.score(["You idiot."])[0]["insult"] > 0.5
