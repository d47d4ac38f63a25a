"""In what two policies differ, in words."""

from collections.abc import Mapping

from moderation import labels
from moderation.policy import SIGNALS, Means, Mode, Override, Policy, Threshold

_MODES = {
    Mode.PUBLISH_UNLESS_HELD: "what stays below the thresholds is published",
    Mode.HOLD_EVERYTHING: "every comment is held",
}
_MEANS = {
    Means.NOTHING: "counts for nothing",
    Means.HOLD: "holds the comment",
    Means.REJECT: "rejects the comment",
}


def in_words(one: Policy, other: Policy) -> list[str]:
    """Say what is otherwise in the `other`, a sentence each; nothing where they say the same."""
    said = _limits(one.thresholds, other.thresholds)
    if one.mode is not other.mode:
        said.append(f"Below the thresholds: {_MODES[other.mode]}, before {_MODES[one.mode]}.")
    for code, kind in SIGNALS.items():
        before, after = (
            f"{_MEANS[policy.signals[code]]}{_skipped(policy, code)}" for policy in (one, other)
        )
        if before != after:
            said.append(f"{kind.title}: {after}, before {before}.")
    had = {override.precedence: override for override in one.overrides}
    has = {override.precedence: override for override in other.overrides}
    for key, override in had.items():
        if key not in has:
            said.append(f"No thresholds any more for {_place(override)}.")
    for key, override in has.items():
        if key not in had:
            said.append(f"Thresholds for {_place(override)}: {spelt(override.thresholds)}.")
        elif had[key].thresholds != override.thresholds or had[key].until != override.until:
            said.append(
                f"Thresholds for {_place(override)}: {spelt(override.thresholds)}; before,"
                f" for {_place(had[key])}: {spelt(had[key].thresholds)}."
            )
    return said


def spelt(thresholds: Mapping[str, Threshold]) -> str:
    """Write thresholds in one line."""
    return "; ".join(
        f"{labels.BY_NAME[name].title} hold {_number(one.hold)}, reject {_number(one.reject)}"
        for name, one in thresholds.items()
    )


def _limits(one: Mapping[str, Threshold], other: Mapping[str, Threshold]) -> list[str]:
    said = []
    for label in labels.ALL:
        a, b = (each.get(label.name, Threshold()) for each in (one, other))
        for kind, before, after in (("hold", a.hold, b.hold), ("reject", a.reject, b.reject)):
            if before != after:
                said.append(
                    f"{label.title}: {kind} from {_number(after)}, before {_number(before)}."
                )
    return said


def _number(limit: float | None) -> str:
    return "never" if limit is None else f"{limit:.12g}"


def _skipped(policy: Policy, code: str) -> str:
    good = policy.trust.get(code)
    return f", skipped from {good} good comments on" if good else ""


def _place(override: Override) -> str:
    if override.until is None:
        return override.place
    return f"{override.place} until {override.until:%Y-%m-%d %H:%M} UTC"
