"""What a site does with scores. Pure: the worker, the simulation and the evaluation all call it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from moderation import labels
from moderation.labels import Scores


class Status(StrEnum):
    """Where a case stands. Only a published case is seen by readers."""

    PENDING = "pending"
    PUBLISHED = "published"
    HELD = "held"
    REJECTED = "rejected"


class Mode(StrEnum):
    """What happens to a text that no threshold stops."""

    PUBLISH_UNLESS_HELD = "publish_unless_held"
    HOLD_EVERYTHING = "hold_everything"


class InvalidPolicy(ValueError):
    """A policy that cannot be built. The message is for the admin; `label` is where it stands."""

    def __init__(self, message: str, label: str = "") -> None:
        super().__init__(message)
        self.label = label


@dataclass(frozen=True)
class Threshold:
    """From which score on a label holds or rejects, each 0..1; None means never."""

    hold: float | None = None
    reject: float | None = None

    def __post_init__(self) -> None:
        for name, value in (("hold", self.hold), ("reject", self.reject)):
            if value is not None and not 0 <= value <= 1:
                raise InvalidPolicy(f"The {name} threshold must lie between 0 and 1, not {value}.")
        if self.hold is not None and self.reject is not None and self.reject < self.hold:
            raise InvalidPolicy(
                f"The reject threshold ({self.reject}) must not be below"
                f" the hold threshold ({self.hold})."
            )


@dataclass(frozen=True)
class Policy:
    """All thresholds of a site, and its mode."""

    thresholds: Mapping[str, Threshold] = field(default_factory=dict)
    mode: Mode = Mode.PUBLISH_UNLESS_HELD

    def __post_init__(self) -> None:
        unknown = sorted(set(self.thresholds) - set(labels.NAMES))
        if unknown:
            raise InvalidPolicy(f"There is no label called {', '.join(unknown)}.", unknown[0])
        ordered = {n: self.thresholds[n] for n in labels.NAMES if n in self.thresholds}
        object.__setattr__(self, "thresholds", MappingProxyType(ordered))

    def to_json(self) -> dict[str, Any]:
        """Return plain values; `from_json` reads them back."""
        return {
            "mode": self.mode.value,
            "thresholds": {
                name: {"hold": threshold.hold, "reject": threshold.reject}
                for name, threshold in self.thresholds.items()
            },
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Policy":
        """Read what `to_json` wrote. Raises InvalidPolicy."""
        thresholds = {}
        for name, limits in value["thresholds"].items():
            try:
                thresholds[name] = Threshold(limits.get("hold"), limits.get("reject"))
            except InvalidPolicy as problem:
                raise InvalidPolicy(str(problem), name) from None
        return cls(thresholds, Mode(value["mode"]))


# For the classifier that ships, read off labelled comments that it was not trained on
# (docs/model-card.md): a label's hold finds nine in ten of the comments that people gave it, but
# for threat, which is so rare that this would hold every second harmless comment on the news.
# On no label was it right 98 times in 100 at any score, so it rejects nothing alone.
DEFAULT = Policy(
    {
        "toxicity": Threshold(hold=0.41),
        "severe_toxicity": Threshold(hold=0.1),
        "obscene": Threshold(hold=0.36),
        "threat": Threshold(hold=0.1),
        "insult": Threshold(hold=0.32),
        "identity_attack": Threshold(hold=0.08),
    }
)


@dataclass(frozen=True)
class Finding:
    """One thing that counted in a verdict: what, which label, its score and the limit it met."""

    code: str
    label: str = ""
    score: float | None = None
    threshold: float | None = None
    words: str = ""

    def in_words(self) -> str:
        """Say it to a moderator, in one sentence."""
        if self.label:
            title = labels.BY_NAME[self.label].title
        match self.code:
            case "above_hold":
                return (
                    f"{title} {self.score:.2f} is at or above"
                    f" the hold threshold {self.threshold:.2f}."
                )
            case "above_reject":
                return (
                    f"{title} {self.score:.2f} is at or above"
                    f" the reject threshold {self.threshold:.2f}."
                )
            case "hold_everything":
                return "The site holds every comment for a moderator."
            case "not_scored":
                return f"The classifier gave no usable score for {title.lower()}, so nobody knows."
            case _:
                return self.words

    def to_json(self) -> dict[str, Any]:
        """Return plain values, without what is empty."""
        return {key: value for key, value in vars(self).items() if value not in ("", None)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Finding":
        """Read what `to_json` wrote."""
        return cls(**value)


@dataclass(frozen=True)
class Signal:
    """Evidence about a case other than scores. Every signal holds, and says why in `words`."""

    code: str
    words: str


@dataclass(frozen=True)
class Verdict:
    """What the policy says about a case, and everything that led to it."""

    status: Status
    findings: tuple[Finding, ...] = ()


def judge(scores: Scores, signals: Sequence[Signal], policy: Policy) -> Verdict:
    """Say what `policy` makes of a text with these scores and signals.

    Every check runs and every finding is reported; none stops at the first hit. A label that has
    a threshold but no usable score holds the case: what is unknown is not published.
    """
    findings: list[Finding] = []
    for name, threshold in policy.thresholds.items():
        if threshold.hold is None and threshold.reject is None:
            continue
        score = scores.get(name)
        if score is None or not math.isfinite(score):
            findings.append(Finding("not_scored", name))
        elif threshold.reject is not None and score >= threshold.reject:
            findings.append(Finding("above_reject", name, score, threshold.reject))
        elif threshold.hold is not None and score >= threshold.hold:
            findings.append(Finding("above_hold", name, score, threshold.hold))
    findings.extend(Finding(signal.code, words=signal.words) for signal in signals)
    if policy.mode is Mode.HOLD_EVERYTHING:
        findings.append(Finding("hold_everything"))

    if any(finding.code == "above_reject" for finding in findings):
        return Verdict(Status.REJECTED, tuple(findings))
    if findings:
        return Verdict(Status.HELD, tuple(findings))
    return Verdict(Status.PUBLISHED)
