"""Writes checkpoints in Detoxify's own format, and reads shipped weights back into it."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from moderation.training.texts import LABELS


def write_checkpoint(
    state_dict: Mapping[str, Any], config: Mapping[str, Any], tokenizer_file: Path, path: Path
) -> Path:
    """Write `path`, `path`.sha256 and, beside them, the folder that Detoxify reads with it.

    The folder holds configuration and tokenizer and is returned: the package's loader asks
    `model_type` for a configuration and goes to the network unless that names a local folder.
    `config` is the model's configuration as transformers writes it.
    """
    import torch  # noqa: PLC0415

    folder = path.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    shutil.copyfile(tokenizer_file, folder / "tokenizer.json")
    words = {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": True,
        "model_max_length": config["max_position_embeddings"],
        "unk_token": "[UNK]",
        "sep_token": "[SEP]",
        "pad_token": "[PAD]",
        "cls_token": "[CLS]",
        "mask_token": "[MASK]",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(words, indent=1), encoding="utf-8")
    torch.save(
        {
            "config": {
                "arch": {
                    "args": {
                        "model_type": str(folder.resolve()),
                        "model_name": "BertForSequenceClassification",
                        "tokenizer_name": "BertTokenizerFast",
                        "num_classes": len(LABELS),
                    }
                },
                "dataset": {"args": {"classes": list(LABELS)}},
            },
            "state_dict": dict(state_dict),
        },
        path,
    )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(path.name + ".sha256").write_text(f"{digest}  {path.name}\n", encoding="ascii")
    return folder
