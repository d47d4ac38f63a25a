"""What a site does with scores. Pure: the worker, the simulation and the evaluation all call it."""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
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
class Scope:
    """Where a text stands when it is judged, in plain values that the host tells.

    `section` is a path like "life/food", `context` the host's number of what the text stands below,
    `older` the age of that one in whole days, `good` how many published comments the author has,
    `at` the moment; without one, nothing has ended yet.
    """

    section: str = ""
    context: int = 0
    older: int = 0
    good: int = 0
    at: datetime | None = None


NOWHERE = Scope()


class Where(StrEnum):
    """To which texts thresholds of their own apply. What comes first decides before the others."""

    CONTEXT = "context"
    SECTION = "section"
    OLDER = "older_than_days"
    GOOD = "good_from"


# A path as addresses have it: names in small letters, joined by slashes.
_PATH = re.compile(r"[^\s/]+(?:/[^\s/]+)*")
_LONGEST_NAME = 200
# More than a page shows, and than a comment can be asked about in no time.
MOST_OVERRIDES = 50
_MOST_DAYS = 36_500
_BIGGEST = 2**63 - 1


@dataclass(frozen=True)
class Override:
    """Thresholds of some labels for some texts, in place of the site's; until a moment, or always.

    `value` is what `where` names: a section's path, a number of days or of good comments, or the
    number of a context. `name` is how people call it.
    """

    where: Where
    value: str | int
    thresholds: Mapping[str, Threshold]
    until: datetime | None = None
    name: str = ""

    def __post_init__(self) -> None:
        what = f"“{self.where}”"
        if self.where is Where.SECTION:
            if not (
                isinstance(self.value, str)
                and _PATH.fullmatch(self.value)
                and self.value.isprintable()
            ):
                raise InvalidPolicy(f"{what} must be a section's path, as in life/food.")
            if len(self.value) > _LONGEST_NAME:
                raise InvalidPolicy(f"{what} is longer than {_LONGEST_NAME} characters.")
        else:
            most = {Where.OLDER: _MOST_DAYS, Where.GOOD: MOST_GOOD}.get(self.where, _BIGGEST)
            if not _is_whole(self.value) or not 1 <= int(self.value) <= most:
                raise InvalidPolicy(f"{what} must be a whole number from 1 to {most}.")
        if len(self.name) > _LONGEST_NAME or not self.name.isprintable():
            raise InvalidPolicy(f"A name is one line of at most {_LONGEST_NAME} characters.")
        if not self.thresholds:
            raise InvalidPolicy(f"The thresholds for {self.place} need at least one label.")
        object.__setattr__(self, "thresholds", _ordered(self.thresholds))
        if self.until is not None:
            if self.until.tzinfo is None:
                raise InvalidPolicy(
                    f"The end of the thresholds for {self.place} needs a time zone."
                )
            # Every zone can say it.
            if not 1 < self.until.year < 9999:
                raise InvalidPolicy(f"The thresholds for {self.place} end in no year.")
            until = self.until.astimezone(UTC)
            # Times of scores are kept to the second where many are judged at once.
            object.__setattr__(self, "until", until.replace(microsecond=0))

    @property
    def place(self) -> str:
        """For which texts it is, in words that follow “for”."""
        match self.where:
            case Where.CONTEXT:
                return f"the article “{self.name}”" if self.name else f"article {self.value}"
            case Where.SECTION:
                return f"the section {self.name or self.value}"
            case Where.OLDER:
                return f"articles older than {self.value} {'day' if self.value == 1 else 'days'}"
            case Where.GOOD:
                return (
                    f"authors with {self.value} good"
                    f" {'comment' if self.value == 1 else 'comments'} or more"
                )

    @property
    def precedence(self) -> tuple[int, int, str, bool]:
        """In which order overrides decide: the narrower first, of two alike the one that ends."""
        narrow = self.value if isinstance(self.value, int) else self.value.count("/")
        return [*Where].index(self.where), -narrow, str(self.value), self.until is None

    def runs(self, at: datetime | None) -> bool:
        """Whether it has not ended at this moment."""
        return self.until is None or at is None or at < self.until

    def covers(self, scope: Scope) -> bool:
        """Whether it is for a text that stands there."""
        if not self.runs(scope.at):
            return False
        match self.where:
            case Where.CONTEXT:
                return scope.context == self.value
            case Where.SECTION:
                return f"{scope.section}/".startswith(f"{self.value}/")
            case Where.OLDER:
                return scope.older >= int(self.value)
            case Where.GOOD:
                return scope.good >= int(self.value)

    def to_json(self) -> dict[str, Any]:
        """Return plain values; `Policy.read` reads them back."""
        return {
            "where": {self.where.value: self.value},
            "thresholds": _limits(self.thresholds),
            "until": None if self.until is None else self.until.isoformat(),
            "name": self.name,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Override":
        """Read what `to_json` wrote. Raises InvalidPolicy."""
        ((where, which),) = value["where"].items()
        until = value.get("until")
        return cls(
            Where(where),
            which,
            _thresholds(value["thresholds"]),
            None if until is None else datetime.fromisoformat(until),
            value.get("name", ""),
        )


@dataclass(frozen=True)
class Limit:
    """The thresholds of a label for one text, and from where they come; None: from the site."""

    threshold: Threshold
    override: Override | None = None


@dataclass(frozen=True)
class Policy:
    """All thresholds of a site, its mode, and what each signal means to it, by code.

    A signal that is left out means what it means at first. `trust` says for a signal after how many
    good comments of its author it is skipped; scores are never skipped.

    `overrides` are thresholds of some places over the site's, kept in the order in which they
    decide. For each label one decides alone: the first that covers a text and names the label, else
    the site's. An article comes before its section, a deeper section before the one around it, a
    section before the article's age, age before good comments; the higher age and the greater
    number before the lower; and of two for the same texts the one that ends before the one that
    does not.
    """

    thresholds: Mapping[str, Threshold] = field(default_factory=dict)
    mode: Mode = Mode.PUBLISH_UNLESS_HELD
    signals: Mapping[str, Means] = field(default_factory=dict)
    trust: Mapping[str, int] = field(default_factory=dict)
    overrides: Sequence[Override] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "thresholds", _ordered(self.thresholds))
        unheard = sorted({*self.signals, *self.trust} - set(SIGNALS))
        if unheard:
            raise InvalidPolicy(f"There is no signal called {', '.join(unheard)}.")
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
        if len(self.overrides) > MOST_OVERRIDES:
            raise InvalidPolicy(
                f"At most {MOST_OVERRIDES} places have thresholds of their own. Remove one first."
            )
        overrides = tuple(sorted(self.overrides, key=lambda one: one.precedence))
        for one, other in pairwise(overrides):
            if one.precedence == other.precedence:
                lasting = "that end" if one.until else "without an end"
                raise InvalidPolicy(
                    f"There are thresholds {lasting} for {one.place} already. Remove them first."
                )
        object.__setattr__(self, "overrides", overrides)

    @property
    def named(self) -> Sequence[str]:
        """The labels that the site or any place has thresholds for, in their order."""
        found = {*self.thresholds, *(name for one in self.overrides for name in one.thresholds)}
        return [name for name in labels.NAMES if name in found]

    def limits(self, scope: Scope = NOWHERE) -> Mapping[str, Limit]:
        """Return the thresholds for a text that stands there, by label, with where they are from.

        Labels that neither the site nor the place names are left out.
        """
        covering = [one for one in self.overrides if one.covers(scope)]
        if not covering:
            return self._site
        found = dict(self._site)
        # The last one that writes decides.
        for one in reversed(covering):
            found |= {name: Limit(own, one) for name, own in one.thresholds.items()}
        return {name: found[name] for name in labels.NAMES if name in found}

    @cached_property
    def _site(self) -> Mapping[str, Limit]:
        return MappingProxyType({name: Limit(one) for name, one in self.thresholds.items()})

    def at(self, moment: datetime) -> "Policy":
        """Return it without the overrides that have ended by then."""
        return replace(self, overrides=tuple(one for one in self.overrides if one.runs(moment)))

    def to_json(self) -> dict[str, Any]:
        """Return plain values; `from_json` reads them back."""
        return {
            "mode": self.mode.value,
            "thresholds": _limits(self.thresholds),
            "signals": {code: means.value for code, means in self.signals.items()},
            "trust": dict(self.trust),
            "overrides": [one.to_json() for one in self.overrides],
        }

    @classmethod
    def read(cls, value: object) -> "Policy":
        """Read what a person wrote in the form of `to_json`. Raises InvalidPolicy, in words."""
        told = _object(value, "The policy", {"mode", "thresholds", "signals", "trust", "overrides"})
        thresholds = _read_limits(told.get("thresholds"))
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
        overrides = told.get("overrides", [])
        if not isinstance(overrides, list):
            raise InvalidPolicy("“overrides” must be a list, in square brackets.")
        read = [_read_override(one) for one in overrides]
        return cls.from_json({**told, "thresholds": thresholds, "overrides": read})

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Policy":
        """Read what `to_json` wrote. Raises InvalidPolicy."""
        signals = {code: Means(means) for code, means in value.get("signals", {}).items()}
        return cls(
            _thresholds(value["thresholds"]),
            Mode(value["mode"]),
            signals,
            value.get("trust", {}),
            tuple(Override.from_json(one) for one in value.get("overrides", ())),
        )


def _ordered(thresholds: Mapping[str, Threshold]) -> Mapping[str, Threshold]:
    """Return thresholds in the labels' order, not to be changed. Raises InvalidPolicy."""
    unknown = sorted(set(thresholds) - set(labels.NAMES))
    if unknown:
        raise InvalidPolicy(f"There is no label called {', '.join(unknown)}.", unknown[0])
    return MappingProxyType({name: thresholds[name] for name in labels.NAMES if name in thresholds})


def _limits(thresholds: Mapping[str, Threshold]) -> dict[str, dict[str, float | None]]:
    return {name: {"hold": one.hold, "reject": one.reject} for name, one in thresholds.items()}


def _thresholds(value: Mapping[str, Any]) -> dict[str, Threshold]:
    found = {}
    for name, limits in value.items():
        try:
            found[name] = Threshold(limits.get("hold"), limits.get("reject"))
        except InvalidPolicy as problem:
            raise InvalidPolicy(str(problem), name) from None
    return found


def _read_limits(value: object) -> dict[str, dict[str, Any]]:
    found = {}
    for name, given in _object(value, "“thresholds”").items():
        limits = _object(given, f"The threshold of “{name}”", {"hold", "reject"})
        for kind, limit in limits.items():
            if not (limit is None or (_is_number(limit) and math.isfinite(limit))):
                raise InvalidPolicy(
                    f"“{kind}” of “{name}” must be a number from 0 to 1, or null for never."
                )
        found[name] = limits
    return found


def _read_override(value: object) -> dict[str, Any]:
    told = _object(value, "An override", {"where", "thresholds", "until", "name"})
    where = _object(told.get("where"), "“where” of an override", [*Where])
    if len(where) != 1:
        raise InvalidPolicy(f"“where” of an override names one of {', '.join(Where)}.")
    until, name = told.get("until"), told.get("name", "")
    if until is not None:
        try:
            datetime.fromisoformat(until)
        except (TypeError, ValueError):
            raise InvalidPolicy(
                "“until” of an override must be a time with its zone, as in"
                f" 2026-12-01T06:00:00+00:00, or null for always; not {until!r}."
            ) from None
    if not isinstance(name, str):
        raise InvalidPolicy("“name” of an override must be words.")
    return {**told, "thresholds": _read_limits(told.get("thresholds"))}


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


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


# For the classifier that ships: what `forum evaluate --choose` finds on labelled comments that it
# was not trained on (docs/model-card.md). Together they hold nine in ten of the comments that
# people gave each label. A few texts could be rejected with 98 in 100 right; whether a machine may
# reject alone is for each site to say, so here none is.
DEFAULT = Policy(
    {
        "toxicity": Threshold(hold=0.078),
        "severe_toxicity": Threshold(hold=0.48),
        "obscene": Threshold(hold=0.15),
        "threat": Threshold(hold=0.02),
        "insult": Threshold(hold=0.12),
        "identity_attack": Threshold(hold=0.25),
        "sexual_explicit": Threshold(hold=0.3),
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
    # For which place the threshold was set, where it was not the site's.
    place: str = ""

    def in_words(self) -> str:
        """Say it to a moderator, in one sentence."""
        if self.trusted is not None:
            many = f"{self.trusted} good comment{'s' * (self.trusted != 1)}"
            return f"Skipped, since its author has {many}: {self.words}"
        if self.label:
            title = labels.BY_NAME[self.label].title
        if self.score is not None and self.threshold is not None:
            score, threshold = labels.in_digits(self.score), labels.in_digits(self.threshold)
        own = f" for {self.place}" if self.place else ""
        match self.code:
            case "above_hold":
                return f"{title} {score} is at or above the hold threshold {threshold}{own}."
            case "above_reject":
                return f"{title} {score} is at or above the reject threshold {threshold}{own}."
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


def judge(
    scores: Scores, signals: Sequence[Signal], policy: Policy, scope: Scope = NOWHERE
) -> Verdict:
    """Say what `policy` makes of a text with these scores and signals, where it stands.

    Every check runs and every finding is reported, also one that is skipped because the author is
    trusted; none stops at the first hit. A label that has
    a threshold but no usable score holds the case: what is unknown is not published.
    """
    findings: list[Finding] = []
    for name, limit in policy.limits(scope).items():
        threshold, place = limit.threshold, limit.override.place if limit.override else ""
        if threshold.hold is None and threshold.reject is None:
            continue
        score = scores.get(name)
        if score is None or not math.isfinite(score):
            findings.append(Finding("not_scored", name))
        elif threshold.reject is not None and score >= threshold.reject:
            findings.append(Finding("above_reject", name, score, threshold.reject, place=place))
        elif threshold.hold is not None and score >= threshold.hold:
            findings.append(Finding("above_hold", name, score, threshold.hold, place=place))
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


def nearness(scores: Scores, policy: Policy, scope: Scope = NOWHERE) -> float:
    """Say how near scores come to a threshold: 1 at one, 0.5 at half of it, 0 far from all."""
    near = 0.0
    for name, one in policy.limits(scope).items():
        ends = (one.threshold.hold, one.threshold.reject)
        limits = [limit for limit in ends if limit is not None]
        score = scores.get(name)
        if limits and score is not None and math.isfinite(score):
            near = max(near, min(score / min(limits), 1.0) if min(limits) > 0 else 1.0)
    return near
