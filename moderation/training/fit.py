"""Fine-tunes the encoder with Detoxify's recipe: a linear head, one sigmoid a label."""

import hashlib
import math
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from moderation.training.encoder import WINDOW, Encoder, classification_model, tokenizer_of
from moderation.training.errors import TrainingRefused
from moderation.training.examples import Example
from moderation.training.texts import (
    ALL_SOURCES,
    COMMENT_SOURCES,
    OTHERS_SOURCES,
    REFINE_SOURCES,
    WIDE_SOURCES,
)


@dataclass(frozen=True)
class Recipe:
    """The numbers of a training; two runs with the same recipe and texts see the same batches."""

    passes: int = 1
    batch: int = 32
    rate: float = 2e-4
    warmup: float = 0.06  # share of the steps
    decay: float = 0.01  # weight decay
    head: float = 10.0  # pooler and classifier, which are fresh, learn this much faster
    rare: float = 0.25  # how much the positives of rare labels are lifted, 0 = not at all
    seed: int = 20


@dataclass(frozen=True)
class Pass:
    """One fit of the encoder: its texts, how, and its share of the end.

    It starts from the mean of the weights that the passes `after` came to, by their shares, or
    with a fresh head. `others` is the share of its texts that are said of others, if they name a
    group.
    """

    name: str
    sources: tuple[str, ...]
    recipe: Recipe
    share: float
    after: tuple[str, ...] = ()
    others: float = 0.0


PASSES: tuple[Pass, ...] = (
    Pass("comments", COMMENT_SOURCES, Recipe(rate=1e-4, head=1.0, rare=0.0), share=0.126),
    Pass("all", ALL_SOURCES, Recipe(), share=0.147),
    Pass("tones", REFINE_SOURCES, Recipe(rate=6e-5, head=1.0), share=0.147, after=("all",)),
    Pass(
        "others",
        OTHERS_SOURCES,
        Recipe(rate=5e-5, head=1.0, seed=21),
        share=0.18,
        after=("comments", "all", "tones"),
        others=0.7,
    ),
    Pass(
        "wide",
        WIDE_SOURCES,
        Recipe(rate=8e-5, head=1.0, seed=31),
        share=0.4,
        after=("comments", "all", "tones", "others"),
        others=0.7,
    ),
)

Batch = list[int]

# The encoder was made to be read as a mean over tokens: its pooler, too, has learned nothing.
_FRESH = ("bert.pooler.", "classifier.")
# The share of a label that is not rare.
_COMMON = 0.3


def plan_batches(lengths: Sequence[int], recipe: Recipe) -> list[Batch]:
    """Split the texts, by place, into batches of like length, in an order fixed by the seed.

    Like lengths need no padding, which on a CPU halves the time; the order stays random on the
    large, so that the model does not see all short texts first.
    """
    draw = random.Random(recipe.seed)  # noqa: S311 - an order, not a secret
    batches: list[Batch] = []
    for _ in range(recipe.passes):
        places = list(range(len(lengths)))
        draw.shuffle(places)
        of_pass: list[Batch] = []
        stretch = 64 * recipe.batch
        for start in range(0, len(places), stretch):
            alike = sorted(places[start : start + stretch], key=lengths.__getitem__)
            of_pass += [alike[at : at + recipe.batch] for at in range(0, len(alike), recipe.batch)]
        draw.shuffle(of_pass)
        batches += of_pass
    return batches


def fit(
    examples: Sequence[Example],
    encoder: Encoder,
    state_file: Path,
    *,
    recipe: Recipe | None = None,
    start: Mapping[str, Any] | None = None,
    steps_now: int | None = None,
    save_every: float = 60.0,
    say: Callable[[str], None] = lambda _: None,
) -> Any | None:
    """Fine-tune the encoder on `examples`; return the model, or None when `steps_now` ran out.

    `start` is the state of a model that an earlier fit returned; without it, the head is fresh.
    Goes on from `state_file` when it holds an unfinished run of the same recipe and texts, and
    writes it every `save_every` seconds: an interrupted run loses at most that, and ends with
    the weights that an uninterrupted one has. Raises TrainingRefused when the file belongs to
    other texts or another recipe.
    """
    recipe = recipe or Recipe()
    say(f"Reading {len(examples):,} texts.")
    tokens = _tokens(examples, encoder)
    batches = plan_batches([len(ids) for ids in tokens], recipe)
    run = _Run(
        encoder,
        recipe,
        steps=len(batches),
        lift=_lift(examples, recipe.rare),
        fingerprint=_fingerprint(examples, recipe),
    )
    if start is not None:
        run.model.load_state_dict(start)
    if state_file.is_file():
        run.load(state_file)
        say(f"Going on from step {run.step:,} of {len(batches):,}.")
    state_file.parent.mkdir(parents=True, exist_ok=True)
    last = len(batches) if steps_now is None else min(len(batches), run.step + steps_now)
    # Batches differ in length up to forty times: time left is counted in tokens, not in steps.
    work = [sum(len(tokens[place]) for place in batch) for batch in batches]
    first, todo, done = run.step, sum(work[run.step :]), 0
    began = saved = told = time.monotonic()
    while run.step < last:
        batch = batches[run.step]
        done += work[run.step]
        run.learn([tokens[place] for place in batch], [examples[place].labels for place in batch])
        now = time.monotonic()
        if now - told >= 10 or run.step == last:
            left = (now - began) * (todo - done) / done
            rate = (run.step - first) * recipe.batch / (now - began)
            say(
                f"step {run.step:,}/{len(batches):,}  loss {run.loss:.4f}  "
                f"{rate:.0f} texts/s  {left // 60:.0f} min {left % 60:02.0f} s left"
            )
            told = now
        if now - saved >= save_every:
            run.save(state_file)
            saved = now
    run.save(state_file)
    if run.step < len(batches):
        return None
    run.model.eval()
    return run.model


def average(states: Sequence[tuple[Mapping[str, Any], float]]) -> dict[str, Any]:
    """Return the weighted mean of models that were fitted from the same encoder.

    `states` are what `state_dict` gives, each with its share; shares are scaled to 1.
    """
    total = sum(share for _, share in states)
    first = states[0][0]
    return {
        name: sum(state[name] * (share / total) for state, share in states)
        if value.is_floating_point()
        else value
        for name, value in first.items()
    }


class _Run:
    """A training under way: the model, the optimiser and where they stand."""

    def __init__(
        self, encoder: Encoder, recipe: Recipe, *, steps: int, lift: list[float], fingerprint: str
    ) -> None:
        # Waiting threads that spin steal the core of the one that works. Read when torch starts.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        import torch  # noqa: PLC0415

        torch.manual_seed(recipe.seed)
        self.fingerprint = fingerprint
        self.lift = torch.tensor(lift)
        self.step = 0
        self.loss = math.nan  # smoothed over about fifty steps
        self.model = classification_model(encoder)
        self.model.train()
        self.optimizer = torch.optim.AdamW(_groups(self.model, recipe), lr=recipe.rate)
        warm = max(1, round(recipe.warmup * steps))
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer,
            lambda step: min((step + 1) / warm, (steps - step) / max(1, steps - warm)),
        )

    def learn(self, tokens: list[list[int]], labels: list[tuple[float | None, ...]]) -> None:
        """Take one step on one batch. Raises TrainingRefused when the loss breaks."""
        import torch  # noqa: PLC0415

        loss = _loss(self.model, tokens, labels, self.lift)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad(set_to_none=True)
        value = float(loss.detach())
        if math.isnan(value):
            raise TrainingRefused(f"The loss broke at step {self.step}. Use a lower --rate.")
        self.loss = value if math.isnan(self.loss) else 0.98 * self.loss + 0.02 * value
        self.step += 1

    def save(self, file: Path) -> None:
        """Write `file` whole or not at all."""
        import torch  # noqa: PLC0415

        part = file.with_suffix(".part")
        torch.save(
            {
                "fingerprint": self.fingerprint,
                "step": self.step,
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "schedule": self.schedule.state_dict(),
                "random": torch.get_rng_state(),
            },
            part,
        )
        part.replace(file)

    def load(self, file: Path) -> None:
        """Go on where `file` was written. Raises TrainingRefused."""
        import torch  # noqa: PLC0415

        # weights_only: a state file is data, and must not be able to run anything.
        state = torch.load(file, map_location="cpu", weights_only=True)
        if state["fingerprint"] != self.fingerprint:
            raise TrainingRefused(
                f"{file} belongs to other texts or another recipe. "
                "Name another folder with --out, or start afresh with --restart."
            )
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        torch.set_rng_state(state["random"])
        self.step = state["step"]


def _tokens(examples: Sequence[Example], encoder: Encoder) -> list[list[int]]:
    tokenizer = tokenizer_of(encoder)
    tokenizer.enable_truncation(WINDOW)
    tokens: list[list[int]] = []
    for start in range(0, len(examples), 1000):
        batch = [example.text for example in examples[start : start + 1000]]
        tokens += [encoding.ids for encoding in tokenizer.encode_batch(batch)]
    return tokens


def _loss(
    model: Any, tokens: list[list[int]], labels: list[tuple[float | None, ...]], lift: Any
) -> Any:
    import torch  # noqa: PLC0415

    longest = max(map(len, tokens))
    ids = torch.zeros(len(tokens), longest, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, text in enumerate(tokens):
        ids[row, : len(text)] = torch.tensor(text)
        mask[row, : len(text)] = 1
    target = torch.tensor([[0.0 if x is None else x for x in row] for row in labels])
    labelled = torch.tensor([[0.0 if x is None else 1.0 for x in row] for row in labels])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(input_ids=ids, attention_mask=mask).logits
    losses = torch.nn.functional.binary_cross_entropy_with_logits(
        logits.float(), target, pos_weight=lift, reduction="none"
    )
    # Labels that nobody gave are masked: they are not a 0.
    return (losses * labelled).sum() / labelled.sum()


def _lift(examples: Sequence[Example], rare: float) -> list[float]:
    """How much more a positive counts than a negative, label by label: the rarer, the more."""
    lifts = []
    for marks in zip(*(example.labels for example in examples), strict=True):
        known = [mark for mark in marks if mark is not None]
        share = sum(known) / len(known) if known else 0.0
        # Against toxicity's third, and never less than an ordinary label.
        lifts.append(max(1.0, (_COMMON / share) ** rare) if share else 1.0)
    return lifts


def _groups(model: Any, recipe: Recipe) -> list[dict[str, Any]]:
    groups = []
    for fresh in (False, True):
        for plain in (False, True):
            chosen = [
                weights
                for name, weights in model.named_parameters()
                if name.startswith(_FRESH) == fresh and (weights.ndim >= 2) == plain
            ]
            groups.append(
                {
                    "params": chosen,
                    "lr": recipe.rate * (recipe.head if fresh else 1),
                    "weight_decay": recipe.decay if plain else 0.0,
                }
            )
    return groups


def _fingerprint(examples: Sequence[Example], recipe: Recipe) -> str:
    digest = hashlib.sha256(repr(asdict(recipe)).encode())
    for example in examples:
        digest.update(repr(example).encode())
    return digest.hexdigest()
