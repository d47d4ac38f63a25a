"""Files in the exact format of Detoxify's five published ones, with weights of chance."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# As the published files have them; multilingual and both unbiased models learned nine groups of
# people beside the labels, and their last columns are no labels.
SIX = ("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate")
SEVEN = (
    "toxicity",
    "severe_toxicity",
    "obscene",
    "identity_attack",
    "insult",
    "threat",
    "sexual_explicit",
)


@dataclass(frozen=True)
class Kind:
    """One of the five: its family in transformers, its labels and how many columns it gives."""

    family: str
    encoder: str
    classes: tuple[str, ...]
    columns: int
    full: Mapping[str, int]


_ALBERT = {"vocab_size": 30000, "embedding_size": 128, "intermediate_size": 3072}
KINDS = {
    "original": Kind("Bert", "bert-base-uncased", SIX, 6, {"vocab_size": 30522}),
    "unbiased": Kind(
        "Roberta", "roberta-base", SEVEN, 16, {"vocab_size": 50265, "max_position_embeddings": 514}
    ),
    "multilingual": Kind(
        "XLMRoberta",
        "xlm-roberta-base",
        SEVEN,
        16,
        {"vocab_size": 250002, "max_position_embeddings": 514},
    ),
    "original-small": Kind("Albert", "albert-base-v2", SIX, 6, _ALBERT),
    "unbiased-small": Kind("Albert", "albert-base-v2", SEVEN, 16, _ALBERT),
}
_BASE = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "max_position_embeddings": 512,
}
_SMALL: dict[str, float] = {
    "vocab_size": 600,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "embedding_size": 16,
    "max_position_embeddings": 130,
    # So that what a text says counts for much in its scores.
    "initializer_range": 0.15,
}
_WORDS = (
    "The council will vote on the new bus line next week and nobody asked you, you idiot! "
    "Shut up, you moron. Thank you for the article; the library stays open until six. "
    "Das Café schließt um fünf, on verra bien. ¿Quién lo sabe? "
)


def make(
    name: str,
    folder: Path,
    *,
    small: bool = True,
    classes: tuple[str, ...] = (),
    encoder: str = "",
    texts: Sequence[str] = (),
) -> Path:
    """Write `folder`/checkpoint.ckpt with its sha256, config.json and tokenizer; return the file.

    `name` is one of KINDS. `small` makes it a toy of the same build; else it has full size.
    `classes` stands in for the published labels, and `encoder` for the name on the model hub. Its
    tokenizer learns its words from `texts`.
    """
    import torch
    import transformers

    kind = KINDS[name]
    classes = classes or kind.classes
    columns = len(classes) + kind.columns - len(kind.classes)
    folder.mkdir(parents=True, exist_ok=True)
    model_class = getattr(transformers, f"{kind.family}ForSequenceClassification")
    sizes = _BASE | dict(kind.full) | (_SMALL if small else {})
    config = model_class.config_class(num_labels=columns, **sizes)
    torch.manual_seed(7)
    model = model_class(config).eval()
    # Fresh weights give every text the same score: a stronger head tells them apart.
    with torch.no_grad():
        for parameter in (model.classifier, getattr(model.classifier, "out_proj", None)):
            if getattr(parameter, "weight", None) is not None:
                parameter.weight.mul_(2.0 if small else 5.0)
    config.save_pretrained(folder)
    positions = int(config.max_position_embeddings)
    _save_tokenizer(kind.family, folder, positions, texts or [_WORDS], 200 if small else 8000)
    file = folder / "checkpoint.ckpt"
    torch.save(
        {
            "config": {
                "arch": {
                    "args": {
                        "model_type": encoder or kind.encoder,
                        "model_name": f"{kind.family}ForSequenceClassification",
                        "tokenizer_name": f"{kind.family}Tokenizer",
                        "num_classes": columns,
                    }
                },
                "dataset": {"args": {"classes": list(classes)}},
            },
            "state_dict": model.state_dict(),
        },
        file,
    )
    file.with_name(file.name + ".sha256").write_text(f"{sha256(file)}  {file.name}\n")
    return file


def sha256(file: Path) -> str:
    """Return the file's sha256."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _save_tokenizer(
    family: str, folder: Path, positions: int, texts: Sequence[str], vocabulary: int
) -> None:
    """Write the family's own kind of tokenizer, which learned the words of `texts` alone."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from tokenizers.trainers import BpeTrainer, WordPieceTrainer

    trainer: Any
    if family in {"Bert", "Albert"}:
        start, end, pad, unknown, mask = "[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]"
    else:
        start, end, pad, unknown, mask = "<s>", "</s>", "<pad>", "<unk>", "<mask>"
    special = [start, pad, end, unknown, mask]
    if family == "Bert":
        special = [pad, unknown, start, end, mask]
        tokenizer = Tokenizer(models.WordPiece(unk_token=unknown))
        tokenizer.normalizer = normalizers.BertNormalizer()
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer = WordPieceTrainer(vocab_size=vocabulary, special_tokens=special)
    elif family == "Roberta":
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = BpeTrainer(
            vocab_size=vocabulary + 300, special_tokens=special, initial_alphabet=alphabet
        )
    else:
        letters = dict.fromkeys(letter for text in texts for letter in text)
        words = dict.fromkeys(f"▁{word}" for text in texts for word in text.split())
        pieces = [*special, "▁", *letters, *list(words)[:vocabulary]]
        # A whole word is likelier than its letters one by one.
        likely = [(piece, -1.0 - 9.0 * (len(piece) == 1)) for piece in dict.fromkeys(pieces)]
        tokenizer = Tokenizer(models.Unigram(likely, unk_id=special.index(unknown)))
        tokenizer.add_special_tokens(special)
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        tokenizer.decoder = decoders.Metaspace()
        trainer = None
    if trainer is not None:
        tokenizer.train_from_iterator(texts, trainer)
    places = {token: tokenizer.token_to_id(token) for token in (start, end)}
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}",
        pair=f"{start} $A {end} $B {end}",
        special_tokens=list(places.items()),
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    words = {
        "tokenizer_class": f"{family}Tokenizer",
        # RoBERTa and its kin count positions from after the padding's.
        "model_max_length": positions - (2 if "Roberta" in family else 0),
        "bos_token": start,
        "cls_token": start,
        "eos_token": end,
        "sep_token": end,
        "pad_token": pad,
        "unk_token": unknown,
        "mask_token": mask,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(words))
