"""The classifiers that a site can choose from: the one that ships, and those added beside it."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moderation.classifier import SHIPPED, Classifier, ClassifierUnavailable
from moderation.loading import DEFAULT, MODELS, load_classifier

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TAKEN = frozenset({DEFAULT, "detoxify"})


@dataclass(frozen=True)
class Entry:
    """One classifier: by which `name` it is chosen, and what its model.json says."""

    name: str
    folder: Path
    about: Mapping[str, Any]

    @property
    def size(self) -> int:
        """The bytes of its files."""
        return sum(file.stat().st_size for file in self.folder.iterdir() if file.is_file())


def add(
    spec: str,
    *,
    name: str = "",
    sha256: str = "",
    progress: Callable[[int, int | None], None] | None = None,
) -> Entry:
    """Fetch one of Detoxify's models or take a checkpoint file, and convert it for this site.

    `spec` is `detoxify:NAME`, `detoxify:FILE` or a FILE, as load_classifier has it; with a FOLDER
    after an @ nothing is fetched. `sha256` is the file's, where nothing else tells. `progress` is
    told the bytes fetched. Without a `name` it is called as the model or the file. Raises
    ClassifierUnavailable, and leaves nothing behind.
    """
    wanted = spec.removeprefix("detoxify:")
    chosen = name or Path(re.split(r"[@#]", wanted, maxsplit=1)[0]).name.removesuffix(".ckpt")
    if not _NAME.fullmatch(chosen) or chosen in _TAKEN:
        raise ClassifierUnavailable(
            f"A classifier cannot be called '{chosen}'. Name it with letters, digits, dots, - and "
            "_, and not onnx or detoxify: --name NAME."
        )
    if (MODELS / chosen).exists():
        raise ClassifierUnavailable(
            f"There is a classifier '{chosen}' already. Remove {MODELS / chosen}, or call this one "
            "otherwise: --name NAME."
        )
    from moderation.backends.conversion import convert  # noqa: PLC0415
    from moderation.backends.detoxify import DetoxifyClassifier  # noqa: PLC0415

    original = DetoxifyClassifier.load(wanted, sha256=sha256, progress=progress)
    convert(original, MODELS / chosen, name=name or original.name)
    return find(chosen)


def listed() -> list[Entry]:
    """Return the classifier that ships and then the site's own, by name."""
    folders = sorted(MODELS.iterdir()) if MODELS.is_dir() else []
    own = [folder for folder in folders if (folder / "model.json").is_file()]
    return [find(DEFAULT), *(find(folder.name) for folder in own)]


def find(name: str) -> Entry:
    """Return one classifier: `onnx` is the one that ships. Raises ClassifierUnavailable."""
    folder = SHIPPED if name == DEFAULT else MODELS / name
    try:
        about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ClassifierUnavailable(
            f"There is no classifier '{name}'. 'forum model list' shows which there are."
        ) from None
    except ValueError as problem:
        raise ClassifierUnavailable(f"{folder / 'model.json'} cannot be read: {problem}") from None
    return Entry(name, folder, about)


def scoring_as(name: str) -> Iterator[Classifier]:
    """Load each classifier here whose scores are kept under `name`; broken ones are left out."""
    for entry in listed():
        if entry.about.get("name") == name:
            with suppress(ClassifierUnavailable):
                yield load_classifier(entry.name)


def reliability(name: str) -> Mapping[str, Any]:
    """Return by label how reliable a classifier's probabilities are, as its model.json has it.

    Empty where it is not calibrated, or has no name here.
    """
    try:
        found: Mapping[str, Any] = find(name).about.get("reliability", {})
    except ClassifierUnavailable:
        return {}
    return found
