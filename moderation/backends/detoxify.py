"""Scores with the detoxify package itself: its five models, or a checkpoint in its format."""

import hashlib
import http.client
import re
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from moderation import labels as known
from moderation.backends.windows import readable, windows, worst
from moderation.classifier import ClassifierUnavailable, ScoringFailed
from moderation.labels import Scores

try:
    import torch
    import transformers
    from detoxify import detoxify as package
except ImportError as problem:
    raise ClassifierUnavailable(
        "The detoxify package is not installed. "
        "Run: pip install torch==2.13.0 && pip install 'forum[detoxify]'"
    ) from problem

# Longer batches gain nothing on a CPU, and a long text would fill the memory.
_BATCH = 8
# A window is cut out of the text and read anew; at its ends that can take more tokens than before.
_SLACK = 32
_VOCABULARIES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "spiece.model",
    "sentencepiece.bpe.model",
)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PREFIX = re.compile(r"-([0-9a-f]{8})\.ckpt$")
_BLOCK = 1024 * 1024

# Is told the bytes fetched so far, and how many there are in all where the server says so.
Progress = Callable[[int, int | None], None]


class DetoxifyClassifier:
    """One of the package's models, or a checkpoint file that was trained with its recipe.

    `detoxify` is the package's own object, `file` and `sha256` the checkpoint it came from, and
    `window` how many tokens it reads at once, its own marks at both ends counted.
    """

    def __init__(self, detoxify: Any, *, name: str, file: Path, sha256: str) -> None:
        self.name = name
        self.version = sha256[:12]
        self.labels: tuple[str, ...] = tuple(detoxify.class_names)
        self.detoxify = detoxify
        self.file = file
        self.sha256 = sha256
        self.window = _window(detoxify)
        self._tokenizer = detoxify.tokenizer
        self._limit = self.window - int(self._tokenizer.num_special_tokens_to_add())
        # The package's multilingual model learned Russian beside six languages in Latin letters.
        multilingual = detoxify.model.config.model_type == "xlm-roberta"
        self.scripts: tuple[str, ...] = ("Latin", "Cyrillic") if multilingual else ("Latin",)

    @classmethod
    def load(
        cls, spec: str, *, sha256: str = "", progress: Progress | None = None
    ) -> "DetoxifyClassifier":
        """Load `NAME` or `FILE`, either with `@FOLDER`; `FILE#sha256=HEX` names its sha256.

        NAME is one of the package's own models. FOLDER holds configuration and tokenizer, and the
        checkpoint too when a NAME is asked for: with it, nothing is fetched. A checkpoint runs
        code when it is opened, so one whose sha256 is not known beforehand is refused; it comes
        from `sha256` or the spec, from FILE.sha256, or for a NAME from the name of the package's
        file. A file that is fetched gets its FILE.sha256 written beside it. Raises
        ClassifierUnavailable.
        """
        wanted, folder = _split(spec)
        wanted, stated, promised = wanted.partition("#sha256=")
        promised = sha256.lower() or promised
        if (stated or sha256) and not _SHA256.fullmatch(promised):
            raise ClassifierUnavailable(f"'{promised}' is no sha256: it has 64 digits 0-9 and a-f.")
        if wanted in package.MODEL_URLS:
            name, file = f"detoxify-{wanted}", _file_of(wanted, folder, progress)
            promised = promised or _noted(file) or _prefix(file.name)
        else:
            file = Path(wanted)
            name, promised = file.stem, promised or _beside(file)
            beside = file.with_suffix("")
            if folder is None and beside.is_dir():
                folder = beside
        if not file.is_file():
            raise ClassifierUnavailable(
                f"There is no checkpoint {file}. Use one of {', '.join(package.MODEL_URLS)}, or "
                "the path of a file."
            )
        loaded, digest = _unpickle(file, promised)
        return cls(_build(loaded, file, folder), name=name, file=file, sha256=digest)

    def score(self, texts: Sequence[str]) -> list[Scores]:
        """Score as the port says: the whole text, in windows, the highest of each label."""
        pieces: list[str] = []
        owners: list[int] = []
        for owner, text in enumerate(texts):
            for piece in self._pieces(readable(text)):
                pieces.append(piece)
                owners.append(owner)
        if not pieces:
            return []
        probabilities = np.empty((len(pieces), len(self.labels)))
        # Pieces of like length together: padding is computed like text.
        order = sorted(range(len(pieces)), key=lambda place: len(pieces[place]))
        for start in range(0, len(order), _BATCH):
            places = order[start : start + _BATCH]
            probabilities[places] = self._predict([pieces[place] for place in places])
        return worst(probabilities, owners, self.labels, len(texts))

    def _predict(self, pieces: list[str]) -> Any:
        try:
            results = self.detoxify.predict(pieces)
        except Exception as problem:  # torch raises RuntimeError, IndexError and more
            raise ScoringFailed(f"The model broke: {problem}") from problem
        # For a single text the package gives bare numbers in place of lists.
        return np.stack([np.atleast_1d(results[label]) for label in self.labels], axis=1)

    def _pieces(self, text: str) -> Iterator[str]:
        offsets = self._tokenizer(
            text, add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )["offset_mapping"]
        if len(offsets) <= self._limit:
            yield text
            return
        for window in windows(len(offsets), self._limit - _SLACK):
            yield from self._fitting(text[offsets[window.start][0] : offsets[window.stop - 1][1]])

    def _fitting(self, piece: str) -> Iterator[str]:
        tokens = self._tokenizer(piece, add_special_tokens=False, verbose=False)["input_ids"]
        if len(tokens) <= self._limit:
            yield piece
            return
        middle = len(piece) // 2
        yield from self._fitting(piece[:middle])
        yield from self._fitting(piece[middle:])


class _Loaded(package.Detoxify):  # type: ignore[misc]
    """The package's class around parts that are loaded already, for its `predict`."""

    def __init__(self, model: Any, tokenizer: Any, class_names: list[str]) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.class_names = class_names
        self.device = "cpu"


def _split(spec: str) -> tuple[str, Path | None]:
    """Split `WANTED@FOLDER`, where either may itself have an @ in it."""
    places = [place for place, character in enumerate(spec) if character == "@"]
    if not places or Path(spec).is_file():
        return spec, None
    for place in places:
        if Path(spec[place + 1 :]).is_dir():
            return spec[:place], Path(spec[place + 1 :])
    raise ClassifierUnavailable(
        f"There is no folder {spec[places[-1] + 1 :]}. After the @ stands the folder with "
        "config.json and the tokenizer."
    )


def _file_of(name: str, folder: Path | None, progress: Progress | None) -> Path:
    """Find the file of a named model: in `folder`, or where the package keeps it, fetched once."""
    url: str = package.MODEL_URLS[name]
    basename = url.rpartition("/")[2]
    if folder is not None:
        if not (folder / basename).is_file():
            raise ClassifierUnavailable(f"{folder} has no {basename}. Put it there, from {url}")
        return folder / basename
    file = Path(torch.hub.get_dir()) / "checkpoints" / basename
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            _fetch(url, file, progress)
        except (OSError, http.client.HTTPException) as problem:
            raise ClassifierUnavailable(
                f"{url} could not be fetched: {problem}. On a machine offline, put the file into "
                f"a folder with config.json and the tokenizer, and use detoxify:{name}@FOLDER."
            ) from problem
    return file


def _fetch(url: str, file: Path, progress: Progress | None) -> None:
    """Fetch a named model's file; keep it only if its sha256 begins as its name says."""
    digest, done = hashlib.sha256(), 0
    partial = file.with_name(file.name + ".part")
    # The address is one of the package's own.
    with urllib.request.urlopen(url, timeout=60) as answer, partial.open("wb") as target:  # noqa: S310
        length = answer.headers.get("content-length", "")
        while block := answer.read(_BLOCK):
            target.write(block)
            digest.update(block)
            done += len(block)
            if progress is not None:
                progress(done, int(length) if length.isdecimal() else None)
    found = digest.hexdigest()
    if not found.startswith(_prefix(file.name)):
        partial.unlink()
        raise ClassifierUnavailable(
            f"What {url} sent is not the file it should be: its sha256 is {found}, and its name "
            f"says {_prefix(file.name)}…. It was not opened. Try again later."
        )
    file.with_name(file.name + ".sha256").write_text(f"{found}  {file.name}\n", encoding="ascii")
    partial.replace(file)


def _prefix(basename: str) -> str:
    """The start of the sha256 that the package's file names carry."""
    found = _PREFIX.search(basename)
    if found is None:
        raise ClassifierUnavailable(f"The name {basename} carries no sha256 to check it by.")
    return found[1]


def _beside(file: Path) -> str:
    """Return the sha256 that stands beside a file of one's own."""
    if not file.is_file():
        return ""  # load() has the words for that
    promised = _noted(file)
    if not promised:
        raise ClassifierUnavailable(
            f"Opening {file} can run code that is in it, and nothing says which file it should "
            f"be. If you trust where it came from, run: sha256sum {file.name} > "
            f"{file.name}.sha256 in its folder, or name the sum: detoxify:{file}#sha256=..."
        )
    return promised


def _noted(file: Path) -> str:
    """Read the sha256 out of FILE.sha256, as sha256sum writes it; empty without one."""
    try:
        note = file.with_name(file.name + ".sha256").read_text(encoding="ascii")
        noted = note.split()[0].lower()
    except (OSError, UnicodeDecodeError, IndexError):
        return ""
    return noted if _SHA256.fullmatch(noted) else ""


def _unpickle(file: Path, promised: str) -> tuple[dict[str, Any], str]:
    """Open the checkpoint if its sha256 begins with `promised`; return it with the sha256."""
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
        if not promised or not digest.startswith(promised):
            raise ClassifierUnavailable(
                f"{file} is not the file it should be: its sha256 is {digest}, not "
                f"{promised}{'…' if len(promised) < 64 else ''}. It was not opened. Fetch it again."
            )
        content.seek(0)
        try:
            # The same open file that was checked, so that it cannot be swapped in between.
            loaded = torch.load(content, map_location="cpu", weights_only=False)
        except Exception as problem:  # unpickling can raise anything
            raise ClassifierUnavailable(f"{file} cannot be opened: {problem}") from problem
    if not isinstance(loaded, dict) or not {"config", "state_dict"} <= set(loaded):
        raise ClassifierUnavailable(f"{file} is no Detoxify checkpoint: config or weights lack.")
    return loaded, digest


def _build(loaded: dict[str, Any], file: Path, folder: Path | None) -> Any:
    """Have the package put model and tokenizer together, from `folder` alone if there is one."""
    try:
        arch = dict(loaded["config"]["arch"]["args"])
        classes = list(loaded["config"]["dataset"]["args"]["classes"])
    except (KeyError, TypeError) as problem:
        raise ClassifierUnavailable(
            f"{file} is no Detoxify checkpoint: its config lacks {problem}."
        ) from problem
    if folder is not None:
        if not (folder / "config.json").is_file():
            raise ClassifierUnavailable(f"{folder} has no config.json. Put the model's there.")
        # Without one of these, transformers makes up a tokenizer that knows no word.
        if not any((folder / vocabulary).is_file() for vocabulary in _VOCABULARIES):
            raise ClassifierUnavailable(
                f"{folder} has no tokenizer. Put the model's there: {', '.join(_VOCABULARIES)}, "
                "whichever it has."
            )
        # With anything but a folder here, the package asks the network even for local files.
        arch["model_type"] = str(folder)
    transformers.utils.logging.disable_progress_bar()
    try:
        model, tokenizer = package.get_model_and_tokenizer(**arch, state_dict=loaded["state_dict"])
    except Exception as problem:  # transformers raises OSError, ValueError, RuntimeError and more
        raise ClassifierUnavailable(
            f"The model of {file} cannot be put together: {problem} On a machine offline, name "
            "the folder with its config.json and tokenizer after an @."
        ) from problem
    names = {
        "toxic": "toxicity",
        "severe_toxic": "severe_toxicity",
        "identity_hate": "identity_attack",
    }
    class_names = [names.get(name, name) for name in classes]
    unknown = [name for name in class_names if name not in known.BY_NAME]
    if unknown or len(set(class_names)) < len(class_names):
        raise ClassifierUnavailable(
            f"{file} scores {', '.join(class_names)}. It may only have, each once: "
            f"{', '.join(known.NAMES)}."
        )
    if not tokenizer.is_fast:
        raise ClassifierUnavailable(f"{file} needs a fast tokenizer: a folder with tokenizer.json.")
    return _Loaded(model.eval(), tokenizer, class_names)


def _window(detoxify: Any) -> int:
    config, tokenizer = detoxify.model.config, detoxify.tokenizer
    positions = int(config.max_position_embeddings)
    if config.model_type in {"roberta", "xlm-roberta"}:
        # They count positions from after the padding's.
        positions -= int(config.pad_token_id) + 1
    return min(positions, int(tokenizer.model_max_length))
