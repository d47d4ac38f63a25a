"""How far probabilities are from what happened: in numbers, and drawn."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from html import escape
from typing import Any

import numpy as np

from moderation.calibration import Flags, Numbers

BANDS = 10


@dataclass(frozen=True)
class Band:
    """The texts whose probability lies from `low` to below `high`.

    `share` is theirs of all texts' weight; `said` their mean probability and `was` the share of
    them with the label, both None where there are none.
    """

    low: float
    high: float
    texts: int
    share: float
    said: float | None
    was: float | None


@dataclass(frozen=True)
class Reliability:
    """How far a label's probabilities are from what happened.

    `error` is the expected calibration error: how far a band's `said` is from its `was`, in the
    mean over all texts. The bands are equally wide, since those are what people read; of bands
    with equally many texts, all but one would lie below 0.1.
    """

    texts: int
    positives: int
    error: float
    bands: tuple[Band, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values; `from_json` reads them back."""
        return {
            "texts": self.texts,
            "positives": self.positives,
            "error": self.error,
            "bands": [list(astuple(band)) for band in self.bands],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Reliability":
        """Read what `to_json` wrote."""
        bands = tuple(Band(*band) for band in value["bands"])
        return cls(value["texts"], value["positives"], value["error"], bands)


def measure(flags: Flags, probabilities: Numbers, weight: Numbers | None = None) -> Reliability:
    """Compare probabilities with what happened, counting each text by its weight."""
    weight = np.ones(len(flags)) if weight is None else weight
    weight = weight / weight.sum()
    place = np.minimum((probabilities * BANDS).astype(np.intp), BANDS - 1)
    bands, error = [], 0.0
    for number in range(BANDS):
        inside = place == number
        share, said, was = float(weight[inside].sum()), None, None
        if share:
            said = float(weight[inside] @ probabilities[inside]) / share
            was = float(weight[inside] @ flags[inside]) / share
            error += share * abs(said - was)
            said, was = round(said, 4), round(was, 4)
        low, high = number / BANDS, (number + 1) / BANDS
        bands.append(Band(low, high, int(inside.sum()), round(share, 4), said, was))
    return Reliability(len(flags), int(flags.sum()), round(error, 4), tuple(bands))


_SIDE, _LEFT, _TOP, _BELOW = 100, 26, 18, 26
_WIDE, _HIGH = _LEFT + _SIDE + 10, _TOP + _SIDE + _BELOW
# In a file of its own a drawing brings its colours; in a page it takes the text's.
_ALONE = (
    "<style>svg{color:#1a1a1a;background:#fff}"
    "@media(prefers-color-scheme:dark){svg{color:#e6e6e6;background:#121212}}</style>"
)


def diagram(found: Mapping[str, Reliability], *, columns: int = 4, alone: bool = False) -> str:
    """Draw the reliability of each label, by title, as one SVG in the colour of the text.

    A dot a band: to the right what was said, upwards what was; on the dashed line both agree. The
    larger the dot, the more texts. `alone` makes it a file for light and dark backgrounds.
    """
    columns = max(1, min(columns, len(found)))
    rows = -(-len(found) // columns)
    panels = "".join(
        f'<g transform="translate({number % columns * _WIDE} {number // columns * _HIGH})">'
        f"{_panel(title, one)}</g>"
        for number, (title, one) in enumerate(found.items())
    )
    words = "; ".join(f"{title}: error {one.error:.3f}" for title, one in found.items())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {columns * _WIDE} {rows * _HIGH}" '
        f'role="img" aria-label="How reliable the probabilities are. {escape(words)}" '
        f'font-family="system-ui, sans-serif" font-size="8" fill="none" stroke="currentColor">'
        f"{_ALONE if alone else ''}{panels}</svg>"
    )


def _panel(title: str, one: Reliability) -> str:
    left, right, top, floor = _LEFT, _LEFT + _SIDE, _TOP, _TOP + _SIDE

    def text(x: float, y: float, words: str, anchor: str = "middle", turn: str = "") -> str:
        turned = f' transform="rotate(-90 {x} {y})"' if turn else ""
        return (
            f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="currentColor" stroke="none"'
            f"{turned}>{escape(words)}</text>"
        )

    parts = [
        text(left, top - 7, title, "start"),
        f'<path d="M{left} {top}V{floor}H{right}" stroke-width="0.75"/>',
        f'<path d="M{left} {floor}L{right} {top}" stroke-width="0.75" stroke-dasharray="3 3"/>',
        text(left, floor + 11, "0"),
        text(right, floor + 11, "1"),
        text(left - 4, top + 3, "1", "end"),
        text((left + right) / 2, floor + 18, "score"),
        text(left - 9, (top + floor) / 2, "had the label", turn="left"),
    ]
    for band in one.bands:
        if band.said is None or band.was is None:
            continue
        x, y = left + band.said * _SIDE, floor - band.was * _SIDE
        parts.append(
            f'<path d="M{x:.1f} {floor - band.said * _SIDE:.1f}V{y:.1f}" stroke-width="0.75"/>'
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{1.2 + 4 * band.share**0.5:.1f}" '
            f'fill="currentColor" stroke="none"/>'
        )
    return "".join(parts)
