"""`python -m moderation.training`: from labelled texts to the folder that the site loads."""

import os

# Before anything starts threads: waiting ones that spin steal the core of the one that works.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import argparse
import sys
from pathlib import Path
from typing import Any

from moderation.evaluation import EvaluationRefused
from moderation.training.calibrate import fit_model
from moderation.training.checkpoint import write_checkpoint
from moderation.training.encoder import Encoder, find_encoder
from moderation.training.errors import TrainingRefused
from moderation.training.examples import Example
from moderation.training.export import add_ngrams, export
from moderation.training.figures import check_parity, take_figures
from moderation.training.fit import PASSES, Pass, Recipe, average, fit
from moderation.training.names import weigh_names
from moderation.training.ngrams import SHARE, fit_ngrams
from moderation.training.texts import NGRAM_SOURCES, read_sources

NAME = "detoxify-mini"


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    recipe = Recipe(
        passes=options.passes,
        batch=options.batch,
        rate=options.rate,
        head=options.head,
        rare=options.rare,
        seed=options.seed,
    )
    out: Path = options.out
    try:
        encoder = find_encoder() if options.encoder is None else Encoder(options.encoder)
        model, examples, counts = _encoder_fitted(options, encoder, recipe)
        if model is None:
            _say(f"Stopped after {options.steps} steps. The same command goes on.")
            return 0
        checkpoint = out / f"{NAME}.ckpt"
        write_checkpoint(
            model.state_dict(), model.config.to_dict(), encoder.tokenizer_file, checkpoint
        )
        _say(f"Detoxify checkpoint: {checkpoint}, its folder {checkpoint.with_suffix('')}")
        folder = out / "onnx"
        export(model, encoder, folder, name=NAME, trained_on=counts)
        _say(f"int8 model: {folder}")
        mean, largest = check_parity(checkpoint, folder, examples)
        _say(f"int8 against the checkpoint: {mean:.4f} apart in the mean, {largest:.4f} at most.")
        beside, counts = read_sources(
            options.data,
            options.sources or NGRAM_SOURCES,
            rows=options.rows,
            seed=recipe.seed,
        )
        add_ngrams(folder, fit_ngrams(beside, say=_say), share=SHARE, trained_on=counts)
        if options.dev is not None:
            # The second look has its limits from these texts, too: without them it would follow
            # what is said of others alone.
            weigh_names(folder)
            # First, since thresholds are read off the scores that come out.
            for line in fit_model(folder, options.dev):
                _say(line)
            for line in take_figures(folder, options.dev, parity=(mean, largest)):
                _say(line)
    except (TrainingRefused, EvaluationRefused) as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 1
    except KeyboardInterrupt:
        _say("Stopped. The same command goes on from the last saved step.")
        return 130
    return 0


def _encoder_fitted(
    options: argparse.Namespace, encoder: Encoder, recipe: Recipe
) -> tuple[Any, list[Example], dict[str, int]]:
    """The encoder after its fits, or None where the steps ran out; the texts, and their sets.

    Sets named on the command line are all that it learns from, in one fit. Else the weights of
    PASSES are averaged: each is better at something, and their mean at all of it.
    """
    passes = PASSES
    if options.sources is not None:
        passes = (Pass("state", tuple(options.sources), recipe, share=1.0),)
    states: dict[str, tuple[dict[str, Any], float]] = {}
    model: Any = None
    texts: list[Example] = []
    counts: dict[str, int] = {}
    for each in passes:
        file = options.out / f"{each.name}.pt"
        if options.restart:
            file.unlink(missing_ok=True)
        texts, found = read_sources(
            options.data,
            each.sources,
            rows=options.rows,
            seed=each.recipe.seed,
            others=each.others,
        )
        counts |= {name: max(rows, counts.get(name, 0)) for name, rows in found.items()}
        model = fit(
            texts,
            encoder,
            file,
            recipe=each.recipe,
            start=average([states[name] for name in each.after]) if each.after else None,
            steps_now=options.steps,
            say=_say,
        )
        if model is None:
            return None, texts, counts
        weights = {name: value.clone() for name, value in model.state_dict().items()}
        states[each.name] = (weights, each.share)
    model.load_state_dict(average(list(states.values())))
    return model, texts, counts


def _parser() -> argparse.ArgumentParser:
    default = Recipe()
    parser = argparse.ArgumentParser(prog="python -m moderation.training", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the training sets")
    parser.add_argument("--out", type=Path, default=Path("training"), help="folder for the results")
    parser.add_argument("--dev", type=Path, help="labelled texts to measure on, never trained on")
    parser.add_argument(
        "--sources",
        nargs="+",
        metavar="SET[=ROWS]",
        help="sets to train both parts on (default: what the shipped model was trained on)",
    )
    parser.add_argument(
        "--encoder", type=Path, help="folder of another BERT encoder than the package's MiniLM"
    )
    parser.add_argument("--rows", type=int, help="at most so many texts, a share of each set")
    parser.add_argument("--passes", type=int, default=default.passes)
    parser.add_argument("--batch", type=int, default=default.batch)
    parser.add_argument("--rate", type=float, default=default.rate, help="highest learning rate")
    parser.add_argument(
        "--head", type=float, default=default.head, help="the head's rate, as a multiple"
    )
    parser.add_argument(
        "--rare", type=float, default=default.rare, help="lift of rare labels, 0 is none"
    )
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--steps", type=int, help="stop after so many steps, to go on later")
    parser.add_argument("--restart", action="store_true", help="forget an unfinished run")
    return parser


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
