"""How far a score follows those of the same text about other groups of people."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from moderation.backends.names import Gate
from moderation.training.export import write_about

# Just below where the default policy holds, before calibration. Constants, since curves are fitted
# to the scores that come out; a test compares them with the policy and the curves that ship.
LIMITS: Mapping[str, float] = {
    "toxicity": -0.0970,
    "severe_toxicity": 1.3341,
    "obscene": -0.3048,
    "threat": -2.3611,
    "insult": -0.6139,
    "identity_attack": -0.3741,
    "sexual_explicit": -1.7276,
}
# Chosen on the development texts: with a higher midpoint hatred that does without a swear word
# is no longer told from harmless words about its target. Below the floor nobody would hold a text.
# Without slack one in twenty attacks on groups more is missed, since many name the group as what is
# wrong; with more of it harmless sentences are held of some groups alone.
GATE = Gate(midpoint=-2.5, steepness=4.0, floor=-4.0, limits=tuple(LIMITS.values()), slack=0.5)


def weigh_names(folder: Path, gate: Gate = GATE) -> None:
    """Let the model in `folder` look twice at texts that name a group. Before it is calibrated.

    `gate` has a limit for each label of LIMITS, in that order.
    """
    about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    about["names"] = asdict(gate) | {"limits": dict(zip(LIMITS, gate.limits, strict=True))}
    write_about(folder, about)
