"""`forum model`: adding a classifier, and what is shown of those there are."""

import functools
import http.server
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from forum.database import Database
from moderation import cases, catalogue
from moderation.classifier import ClassifierUnavailable
from moderation.loading import load_classifier
from moderation.policy import DEFAULT
from moderation.shadow import Shadow
from moderation.worker import Worker
from tests import checkpoints
from tests.commands import Forum

PARITY = Path(catalogue.__file__).parent / "backends" / "parity.txt"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint that knows where its configuration and tokenizer lie."""
    folder = tmp_path_factory.mktemp("checkpoint")
    return checkpoints.make("original-small", folder, encoder=str(folder))


@pytest.fixture
def published(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a server from which the package's `original-small` is fetched."""
    from detoxify import detoxify

    folder = tmp_path / "published"
    folder.mkdir()
    name = f"original-albert-{checkpoints.sha256(checkpoint)[:8]}.ckpt"
    (folder / name).hardlink_to(checkpoint)
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/{name}"
    monkeypatch.setitem(detoxify.MODEL_URLS, "original-small", url)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "kept"))
    monkeypatch.chdir(tmp_path)
    yield folder
    server.shutdown()
    server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def test_a_model_is_fetched_with_progress_and_what_was_fetched_is_noted(
    published: Path, checkpoint: Path, tmp_path: Path
) -> None:
    told: list[tuple[int, int | None]] = []

    added = catalogue.add(
        "detoxify:original-small", progress=lambda done, total: told.append((done, total))
    )

    size = checkpoint.stat().st_size
    assert told[-1] == (size, size)
    assert added.about["name"] == "detoxify-original-small"
    assert added.about["checkpoint"]["sha256"] == checkpoints.sha256(checkpoint)
    (kept,) = (tmp_path / "kept").rglob("*.ckpt")
    note = kept.with_name(kept.name + ".sha256").read_text()
    assert note.split() == [checkpoints.sha256(checkpoint), kept.name]


def test_what_was_fetched_once_is_not_fetched_again(published: Path) -> None:
    catalogue.add("detoxify:original-small")
    for file in published.iterdir():
        file.unlink()

    catalogue.add("detoxify:original-small", name="again")


def test_a_file_that_is_not_the_published_one_is_not_kept(published: Path, tmp_path: Path) -> None:
    (file,) = published.iterdir()
    file.unlink()
    file.write_bytes(b"something else")

    with pytest.raises(ClassifierUnavailable, match="not opened"):
        catalogue.add("detoxify:original-small")

    assert not list((tmp_path / "kept").rglob("*.ckpt*"))


def test_a_file_that_is_not_there_says_how_to_go_on_without_a_network(published: Path) -> None:
    for file in published.iterdir():
        file.unlink()

    with pytest.raises(ClassifierUnavailable, match="offline"):
        catalogue.add("detoxify:original-small")


def test_an_added_model_is_listed_shown_and_chosen_by_its_name(
    forum: Forum, checkpoint: Path
) -> None:
    digest = checkpoints.sha256(checkpoint)
    added = forum("model", "add", f"detoxify:{checkpoint}", "--name", "ours", "--sha256", digest)

    assert added.status == 0, added.err
    assert "differ from Detoxify's by 0.0" in added.out
    assert "Choose it with FORUM_CLASSIFIER=ours." in added.out
    listed = forum("model", "list", FORUM_CLASSIFIER="ours").out.splitlines()
    assert listed[1].startswith("onnx\tdetoxify-mini\t")
    assert listed[2].startswith("ours\tours\t6\t")
    assert listed[2].endswith("\tdecides")
    card = forum("model", "card", "ours").out
    assert f"checkpoint, sha256\t{digest}" in card
    assert f"version\t{load_classifier('ours').version}" in card
    assert forum("score", "You idiot.", FORUM_CLASSIFIER="ours").out.endswith(
        f"Scored by ours, version {load_classifier('ours').version}.\n"
    )


def test_the_card_of_the_model_that_ships_tells_what_it_learned_from(forum: Forum) -> None:
    card = forum("model", "card", "onnx").out

    assert "name\tdetoxify-mini" in card
    assert "trained on\tjigsaw, " in card


def test_a_card_of_files_that_were_changed_is_not_shown(
    forum: Forum, checkpoint: Path, tmp_path: Path
) -> None:
    forum("model", "add", str(checkpoint), "--name", "ours")
    with (tmp_path / "models" / "ours" / "model.onnx").open("ab") as weights:
        weights.write(b"!")

    refused = forum("model", "card", "ours")

    assert refused.status == 1
    assert "sha256" in refused.err


def test_a_classifier_that_is_not_there_is_said_to_be_none(forum: Forum) -> None:
    refused = forum("model", "card", "nobody")

    assert refused.status == 1
    assert "'forum model list'" in refused.err


# thresholds for another classifier, and the shadow


@pytest.fixture
def judged(prepared: Forum, checkpoint: Path) -> Forum:
    """A site where the classifier that ships judged a hundred comments, with another one added."""
    added = prepared("model", "add", str(checkpoint), "--name", "ours")
    assert added.status == 0, added.err
    shipped = load_classifier()
    database = Database("sqlite:///forum.db")
    with database.writing() as session:
        # Each with other words, so that no two score the same.
        lines = PARITY.read_text(encoding="utf-8").splitlines()
        for number in range(100):
            text = f"{lines[number % 60]} {lines[number * 7 % 53]}"
            cases.open_case(session, text, author=1, context=1)
    worker = Worker(database.writing, shipped)
    while worker.round():
        pass
    database.close()
    return prepared


def test_thresholds_are_translated_for_another_classifier_and_adopted(judged: Forum) -> None:
    planned = judged("policy", "translate", "--classifier", "ours")

    assert planned.status == 0, planned.err
    # "never" for the label that the other classifier does not know.
    row = r"\thold\t[\d.]+\t([\d.]+)%\t(?:[\d.]+|never)\t([\d.]+)%$"
    shares = re.findall(row, planned.out, re.M)
    assert len(shares) == len(DEFAULT.thresholds)
    assert all(abs(float(before) - float(after)) <= 1 for before, after in shares)
    assert "over 100 comments that both scored" in planned.out
    assert "Nothing was saved." in planned.out
    assert "Version 1, since" in judged("policy", "show").out

    adopt = ("policy", "translate", "--classifier", "ours", "--adopt")
    assert "Not checked yet" in judged(*adopt).err
    adopted = judged(*adopt, "--accept-unfair", "It is tried out.")

    assert adopted.out.endswith("In force from the next comment on, as version 2.\n")
    version = load_classifier("ours").version
    assert f", for ours {version}." in judged("policy", "show").out
    again = judged("policy", "translate", "--classifier", "ours")
    assert again.status == 1
    assert f"are for ours {version}. Name another classifier" in again.err


def test_without_comments_there_is_nothing_to_translate_by(
    prepared: Forum, checkpoint: Path
) -> None:
    prepared("model", "add", str(checkpoint), "--name", "ours")

    refused = prepared("policy", "translate", "--classifier", "ours")

    assert refused.status == 1
    assert "Only 0 comments were scored by both" in refused.err


def test_what_the_shadow_would_have_decided_otherwise_is_listed(judged: Forum) -> None:
    none = judged("model", "disagreements")
    assert none.status == 1
    assert "Name one in FORUM_SHADOW." in none.err
    database = Database("sqlite:///forum.db")
    shadow = Shadow(database.writing, load_classifier("ours"))
    while shadow.round():
        pass
    database.close()

    listed = judged("model", "disagreements")

    assert listed.status == 0, listed.err
    head, *rows, summary = listed.out.splitlines()
    assert head.split("\t")[0] == "Case"
    assert f"{len(rows)} of 100 comments." in summary
    for row in rows:
        _, one, other, why, _ = row.split("\t")
        assert one != other
        assert why
    use = judged("model", "list", FORUM_SHADOW="ours").out.splitlines()[2]
    assert use.endswith("\tshadow")
