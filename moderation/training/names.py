"""How far a score follows that of the same text about another group of people."""

import json
from dataclasses import asdict
from pathlib import Path

from moderation.backends.names import Gate
from moderation.training.export import write_about

# Chosen on the development texts: a lower midpoint spares fewer harmless sentences, a higher one
# loses too much hatred that does without a swear word. Below the floor nobody would hold a text.
GATE = Gate(midpoint=-2.0, steepness=4.0, floor=-4.0)


def weigh_names(folder: Path, gate: Gate = GATE) -> None:
    """Let the model in `folder` look twice at texts that name a group. Before it is calibrated."""
    about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    about["names"] = asdict(gate)
    write_about(folder, about)
