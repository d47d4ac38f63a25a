"""What a site does with scores. Pure: the worker, the simulation and the evaluation all call it."""

import math
from collections.abc import Collection, Mapping, Sequence
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


class Means(StrEnum):
    """What a policy makes of a signal."""

    NOTHING = "nothing"
    HOLD = "hold"
    REJECT = "reject"


@dataclass(frozen=True)
class SignalKind:
    """A signal as an admin meets it: its title, when it is given, and what it means at first."""

    title: str
    given: str
    at_first: Means
    may: Sequence[Means] = (Means.HOLD, Means.NOTHING)
    # Whether it can be skipped for authors with good comments.
    skippable: bool = True


MOST_GOOD = 10_000

# By code: what else can be known of a comment.
SIGNALS: Mapping[str, SignalKind] = {
    "outside_languages": SignalKind(
        "Outside the classifier's languages",
        "At least half of a comment, or of a paragraph, is in a script that the classifier never"
        " learned. Its scores say nothing then.",
        Means.HOLD,
    ),
    "resubmitted": SignalKind(
        "Sent again",
        "A moderator rejected an earlier wording of it.",
        Means.HOLD,
    ),
    "repeated": SignalKind(
        "Repeated text",
        "Somebody posted the same words here within a week. Very short texts do not count.",
        Means.HOLD,
    ),
    "link": SignalKind("Link", "A comment links to another place.", Means.NOTHING),
    "first_comment": SignalKind(
        "First-time author",
        "Its author has no published comment yet.",
        Means.NOTHING,
        skippable=False,
    ),
    "too_fast": SignalKind(
        "Too fast",
        "It is its author's third comment within a minute, or a later one.",
        Means.NOTHING,
    ),
    "listed_hold": SignalKind(
        "Word to hold", "It has a word or phrase of the list of words to hold.", Means.HOLD
    ),
    "listed_reject": SignalKind(
        "Word to reject",
        "It has a word or phrase of the list of words to reject.",
        Means.REJECT,
        (Means.REJECT, Means.HOLD, Means.NOTHING),
    ),
}


def title_of(code: str) -> str:
    """Return a signal's title; empty for a code that no policy decides on."""
    return SIGNALS[code].title if code in SIGNALS else ""


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
    """All thresholds of a site, its mode, and what each signal means to it, by code.

    A signal that is left out means what it means at first. `trust` says for a signal after how many
    good comments of its author it is skipped; scores are never skipped.
    """

    thresholds: Mapping[str, Threshold] = field(default_factory=dict)
    mode: Mode = Mode.PUBLISH_UNLESS_HELD
    signals: Mapping[str, Means] = field(default_factory=dict)
    trust: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = sorted(set(self.thresholds) - set(labels.NAMES))
        if unknown:
            raise InvalidPolicy(f"There is no label called {', '.join(unknown)}.", unknown[0])
        unheard = sorted({*self.signals, *self.trust} - set(SIGNALS))
        if unheard:
            raise InvalidPolicy(f"There is no signal called {', '.join(unheard)}.")
        ordered = {n: self.thresholds[n] for n in labels.NAMES if n in self.thresholds}
        object.__setattr__(self, "thresholds", MappingProxyType(ordered))
        means = {code: self.signals.get(code, kind.at_first) for code, kind in SIGNALS.items()}
        object.__setattr__(self, "signals", MappingProxyType(means))
        for code, good in self.trust.items():
            if not 1 <= good <= MOST_GOOD:
                raise InvalidPolicy(
                    f"“{SIGNALS[code].title}” can be skipped from 1 to {MOST_GOOD} good comments,"
                    f" not {good}."
                )
        trust = {code: self.trust[code] for code in SIGNALS if code in self.trust}
        object.__setattr__(self, "trust", MappingProxyType(trust))

    def to_json(self) -> dict[str, Any]:
        """Return plain values; `from_json` reads them back."""
        return {
            "mode": self.mode.value,
            "thresholds": {
                name: {"hold": threshold.hold, "reject": threshold.reject}
                for name, threshold in self.thresholds.items()
            },
            "signals": {code: means.value for code, means in self.signals.items()},
            "trust": dict(self.trust),
        }

    @classmethod
    def read(cls, value: object) -> "Policy":
        """Read what a person wrote in the form of `to_json`. Raises InvalidPolicy, in words."""
        told = _object(value, "The policy", {"mode", "thresholds", "signals", "trust"})
        thresholds = {}
        for name, given in _object(told.get("thresholds"), "“thresholds”").items():
            limits = _object(given, f"The threshold of “{name}”", {"hold", "reject"})
            for kind, limit in limits.items():
                if not (limit is None or (_is_number(limit) and math.isfinite(limit))):
                    raise InvalidPolicy(
                        f"“{kind}” of “{name}” must be a number from 0 to 1, or null for never."
                    )
            thresholds[name] = limits
        signals = _object(told.get("signals", {}), "“signals”")
        for code, means in signals.items():
            may = SIGNALS[code].may if code in SIGNALS else tuple(Means)
            if means not in [*may]:
                raise InvalidPolicy(f"“{code}” can mean {', '.join(may)}, not {means!r}.")
        trust = _object(told.get("trust", {}), "“trust”")
        for code, good in trust.items():
            if not isinstance(good, int) or isinstance(good, bool):
                raise InvalidPolicy(f"“trust” of “{code}” must be a whole number, not {good!r}.")
        if told.get("mode") not in [*Mode]:
            raise InvalidPolicy(f"“mode” must be one of {', '.join(Mode)}.")
        return cls.from_json({**told, "thresholds": thresholds})

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Policy":
        """Read what `to_json` wrote. Raises InvalidPolicy."""
        thresholds = {}
        for name, limits in value["thresholds"].items():
            try:
                thresholds[name] = Threshold(limits.get("hold"), limits.get("reject"))
            except InvalidPolicy as problem:
                raise InvalidPolicy(str(problem), name) from None
        signals = {code: Means(means) for code, means in value.get("signals", {}).items()}
        return cls(thresholds, Mode(value["mode"]), signals, value.get("trust", {}))


def _object(value: object, what: str, keys: Collection[str] | None = None) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidPolicy(f"{what} must be an object, in curly brackets.")
    unknown = sorted(set(value) - set(keys)) if keys is not None else []
    if unknown:
        raise InvalidPolicy(
            f"{what} has no “{unknown[0]}”. It can have: {', '.join(sorted(keys or ()))}."
        )
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# For the classifier that ships: what `forum evaluate --choose` finds on labelled comments that it
# was not trained on (docs/model-card.md). Together they hold nine in ten of the comments that
# people gave each label. A few texts could be rejected with 98 in 100 right; whether a machine may
# reject alone is for each site to say, so here none is.
DEFAULT = Policy(
    {
        "toxicity": Threshold(hold=0.077),
        "severe_toxicity": Threshold(hold=0.47),
        "obscene": Threshold(hold=0.15),
        "threat": Threshold(hold=0.011),
        "insult": Threshold(hold=0.13),
        "identity_attack": Threshold(hold=0.12),
        "sexual_explicit": Threshold(hold=0.29),
    }
)


@dataclass(frozen=True)
class Finding:
    """One thing that counted in a verdict, or was skipped: what, which label, score and limit."""

    code: str
    label: str = ""
    score: float | None = None
    threshold: float | None = None
    words: str = ""
    # Set for a check that was skipped: how many good comments its author had.
    trusted: int | None = None
    # The reason that a rejection for it names, where whoever set the check chose one.
    reason: str = ""

    def in_words(self) -> str:
        """Say it to a moderator, in one sentence."""
        if self.trusted is not None:
            many = f"{self.trusted} good comment{'s' * (self.trusted != 1)}"
            return f"Skipped, since its author has {many}: {self.words}"
        if self.label:
            title = labels.BY_NAME[self.label].title
        if self.score is not None and self.threshold is not None:
            score, threshold = labels.in_digits(self.score), labels.in_digits(self.threshold)
        match self.code:
            case "above_hold":
                return f"{title} {score} is at or above the hold threshold {threshold}."
            case "above_reject":
                return f"{title} {score} is at or above the reject threshold {threshold}."
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
    """Evidence about a case other than scores; it says why in `words`.

    It holds, unless its code is one of SIGNALS that means nothing to the policy. `good` counts the
    published comments of the author; `reason` is what a rejection by it names.
    """

    code: str
    words: str
    good: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Verdict:
    """What the policy says about a case, and everything that led to it."""

    status: Status
    findings: tuple[Finding, ...] = ()


def judge(scores: Scores, signals: Sequence[Signal], policy: Policy) -> Verdict:
    """Say what `policy` makes of a text with these scores and signals.

    Every check runs and every finding is reported, also one that is skipped because the author is
    trusted; none stops at the first hit. A label that has
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
    for signal in signals:
        if policy.signals.get(signal.code) is Means.NOTHING:
            continue
        skipped = signal.good >= policy.trust.get(signal.code, math.inf)
        rejects = policy.signals.get(signal.code) is Means.REJECT and not skipped
        findings.append(
            Finding(
                signal.code,
                words=signal.words,
                trusted=signal.good if skipped else None,
                reason=signal.reason if rejects else "",
            )
        )
    if policy.mode is Mode.HOLD_EVERYTHING:
        findings.append(Finding("hold_everything"))

    rejecting = {code for code, means in policy.signals.items() if means is Means.REJECT}
    rejecting.add("above_reject")
    counted = {finding.code for finding in findings if finding.trusted is None}
    status = Status.HELD if counted else Status.PUBLISHED
    return Verdict(Status.REJECTED if counted & rejecting else status, tuple(findings))


def nearness(scores: Scores, policy: Policy) -> float:
    """Say how near scores come to a threshold: 1 at one, 0.5 at half of it, 0 far from all."""
    near = 0.0
    for name, threshold in policy.thresholds.items():
        limits = [limit for limit in (threshold.hold, threshold.reject) if limit is not None]
        score = scores.get(name)
        if limits and score is not None and math.isfinite(score):
            near = max(near, min(score / min(limits), 1.0) if min(limits) > 0 else 1.0)
    return near
