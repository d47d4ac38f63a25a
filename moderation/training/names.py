"""How far a score follows those of the same text about other groups of people."""

import json
import math
from dataclasses import asdict
from pathlib import Path

from moderation.backends.names import Gate
from moderation.training.examples import LABELS
from moderation.training.export import write_about

# Chosen on the development texts: with a higher midpoint hatred that does without a swear word
# is no longer told from harmless words about its target. Below the floor nobody would hold a text.
# Without slack one in twenty attacks on groups more is missed, since many name the group as what is
# wrong; with more of it harmless sentences are held of some groups alone.
# Its limits are where the default policy holds, before calibration: `calibrate` finds them.
GATE = Gate(midpoint=-2.0, steepness=4.0, floor=-4.0, limits=(math.inf,) * len(LABELS), slack=0.8)


def weigh_names(folder: Path, gate: Gate = GATE) -> None:
    """Let the model in `folder` look twice at texts that name a group.

    `gate` has a limit for each of the model's labels; an infinite one is left out.
    """
    about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    limits = zip(about["labels"], gate.limits, strict=True)
    finite = {label: round(limit, 4) for label, limit in limits if math.isfinite(limit)}
    about["names"] = asdict(gate) | {"limits": finite}
    write_about(folder, about)
