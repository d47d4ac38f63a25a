"""Precision and recall of a label's scores by threshold, and work against misses: drawn as SVG."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from moderation import estimates, labels
from moderation.estimates import Estimate
from moderation.goals import Point
from moderation.outlook import Outlook

# At so many places a curve is known; fewer than LEAST texts above one say nothing.
PLACES = 12
_TOP_SHARE, _FEWEST = 0.3, 30

# Measures of a drawing, in its own units.
_LEFT, _RIGHT, _TOP, _FLOOR = 34, 234, 18, 138
_WIDE, _HIGH = 246, 164


@dataclass(frozen=True)
class Place:
    """A threshold: how many texts score as high, and how good that is by itself.

    `precision` is the share of them that people would remove; `recall` their share of all texts
    that people would remove.
    """

    threshold: float
    texts: int
    precision: Estimate
    recall: Estimate


def of_label(outlook: Outlook, name: str) -> list[Place]:
    """Return how good the scores of one label are, at thresholds from low to high."""
    score = outlook.history.scores[:, labels.NAMES.index(name)]
    there = score[np.isfinite(score)]
    if len(there) < _FEWEST:
        return []
    shares = np.geomspace(max(_FEWEST / len(there), 1e-5), _TOP_SHARE, PLACES)
    found = []
    for limit in np.unique(np.quantile(there, 1 - shares).round(3)):
        above = score >= limit
        many = int(above.sum())
        if not many:
            continue
        cells = outlook.sample.cells(above)
        below = outlook.sample.cells(~above)
        found.append(
            Place(
                float(limit),
                many,
                estimates.number(cells, ahead=True).by(many),
                estimates.share(cells, below, ahead=True),
            )
        )
    return found


def drawn(title: str, places: Sequence[Place]) -> str:
    """Draw precision and recall against the threshold, each with its interval, as SVG.

    Precision is a whole line with dots, recall a broken one with squares.
    """
    highest = max((place.threshold for place in places), default=1.0) or 1.0
    parts = [_axes(title, f"{highest:.3g}", "threshold", "1")]
    for kind, dashes in (("precision", ""), ("recall", ' stroke-dasharray="4 3"')):
        known = [(p.threshold / highest, getattr(p, kind)) for p in places]
        spots = [(_x(at), each) for at, each in known if each.known]
        line = " ".join(f"{x:.1f},{_y(each.value):.1f}" for x, each in spots)
        parts.append(f'<polyline points="{line}" stroke-width="1.25"{dashes}/>')
        for x, each in spots:
            y = _y(each.value)
            parts.append(
                f'<path d="M{x:.1f} {_y(each.low):.1f}V{_y(each.high):.1f}" stroke-width="0.75"/>'
            )
            parts.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.2" fill="currentColor"/>'
                if kind == "precision"
                else f'<path d="M{x - 2:.1f} {y - 2:.1f}h4v4h-4z" fill="currentColor"/>'
            )
    said = f"{title}: precision and recall by threshold; the table has the numbers"
    return _svg("".join(parts), f'role="img" aria-label="{escape(said)}"')


def front(points: Sequence[Point], links: Mapping[int, str], chosen: int | None) -> str:
    """Draw the work of each point against its misses, as SVG; `links` lead to some of them.

    `chosen` is the one that was found for the goal.
    """
    known = [number for number, point in enumerate(points) if point.outcome.misses.known]
    if not known:
        return ""
    most = max(points[n].outcome.hours for n in known) or 1.0
    worst = max(points[n].outcome.misses.high for n in known) or 1.0
    parts = [_axes("", f"{most:.3g}", "hours of moderators a day", f"{worst:.3g}", "missed a day")]
    spots = {
        n: (_x(points[n].outcome.hours / most), _y(points[n].outcome.misses.value / worst))
        for n in known
    }
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots.values())
    parts.append(f'<polyline points="{line}" stroke-width="0.75"/>')
    for number, (x, y) in spots.items():
        if number not in links:
            continue
        outcome = points[number].outcome
        said = (
            f"Load: {outcome.hours:.1f} hours a day, {outcome.misses.value:.1f} missed a day"
            f" ({outcome.misses.low:.1f} to {outcome.misses.high:.1f})"
        )
        ends = [_y(end / worst) for end in (outcome.misses.low, outcome.misses.high)]
        fill = "currentColor" if number == chosen else "none"
        parts.append(
            f'<path d="M{x:.1f} {ends[0]:.1f}V{ends[1]:.1f}" stroke-width="0.75"/>'
            f'<a href="{escape(links[number])}" aria-label="{escape(said)}">'
            f'<circle class="front-room" cx="{x:.1f}" cy="{y:.1f}" r="7"/>'
            f'<circle class="front-spot" cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{fill}"/></a>'
        )
    return _svg("".join(parts), 'role="group" aria-label="Work against misses"')


def _x(share: float) -> float:
    return _LEFT + (_RIGHT - _LEFT) * share


def _y(share: float) -> float:
    return _FLOOR - (_FLOOR - _TOP) * share


def _axes(title: str, right: str, below: str, top: str, left: str = "share") -> str:
    middle = (_TOP + _FLOOR) / 2
    words = [
        (_LEFT, _TOP - 8, title, "start", ""),
        (_LEFT, _FLOOR + 11, "0", "middle", ""),
        (_RIGHT, _FLOOR + 11, right, "middle", ""),
        ((_LEFT + _RIGHT) / 2, _FLOOR + 20, below, "middle", ""),
        (_LEFT - 4, _TOP + 3, top, "end", ""),
        (12, middle, left, "middle", f' transform="rotate(-90 12 {middle})"'),
    ]
    return f'<path d="M{_LEFT} {_TOP}V{_FLOOR}H{_RIGHT}" stroke-width="0.75"/>' + "".join(
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="currentColor" stroke="none"{turn}>'
        f"{escape(said)}</text>"
        for x, y, said, anchor, turn in words
        if said
    )


def _svg(inside: str, attributes: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {_HIGH}" {attributes} '
        f'font-family="system-ui, sans-serif" font-size="8" fill="none" stroke="currentColor">'
        f"{inside}</svg>"
    )
