"""All that a simulation needs, put together once: the texts, what is known of them, the work.

What people decided is no fair sample of what was written: they see what was held and what was
reported, and that is worse than the rest. So each text is put into the stratum by which it could
come to be looked at, and tells of others only within it:

- What was held is looked at as a whole, sooner or later, and counts as itself; what still waits is
  taken to be like what was decided. What a sweep approved unseen is told of by what was drawn for
  it, and by nothing else.
- What the machine published, far from every threshold or near one, and what it rejected is told of
  by the blind audits. Each verdict keeps the probability with which it was drawn, whether it was
  or not, and an answer counts by its inverse (Horvitz and Thompson; in Hájek's form). So shares
  may change with time, and a share of near texts may be higher, and nothing is bent by it.
- What readers reported, or authors appealed against, was drawn or not like any other. Drawn, it
  counts with its answer. Not drawn, its decision tells of itself alone and is left out: with it the
  rest would look worse than it is, and without it cleaner, since a text that an audit removed at
  once was there for nobody to report.
- What had no chance (nothing was audited then, or it came before audits were kept) stands in a
  stratum in which nobody looked. It never counts as clean: nothing is said of it, and where it is
  more than a small part, nothing of the whole (`Estimate.missing`).

A drawn text that is not answered yet, or whose author was faster, is missing at random.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from sqlalchemy.orm import Session

from moderation import claims, goals, history
from moderation.estimates import Sample
from moderation.goals import Outcome
from moderation.history import NONE, REMOVE, UNDRAWN, Codes, History
from moderation.policy import Policy
from moderation.simulation import among
from moderation.tables import time_of

# What a decision takes where fewer than FEWEST were measured, in seconds.
SECONDS_EACH = 30.0
FEWEST = 20
# Over so long the time of decisions is measured.
_MEASURED = timedelta(days=90)


@dataclass(frozen=True)
class Outlook:
    """Texts of a time, and what they say of as many to come.

    `sample` has a row for each text of `history`. `seconds_each` is the mean of what a decision
    took, by `measured` of them; SECONDS_EACH where these are too few. `days` is the time in which
    the texts came.
    """

    history: History
    sample: Sample
    seconds_each: float
    measured: int
    days: float

    def __len__(self) -> int:
        return len(self.history)

    @property
    def undrawn(self) -> int:
        """How many texts nobody could have looked at by chance."""
        return int((self.sample.stratum == UNDRAWN).sum())

    @property
    def drawn_since(self) -> datetime | None:
        """From when on every text could be looked at by chance; None where none could."""
        without = self.history.at[self.sample.stratum == UNDRAWN]
        if len(without) == len(self):
            return None
        last = int(without.max()) + 1 if len(without) else int(self.history.at.min())
        return datetime.fromtimestamp(last, UTC)


def read(
    session: Session,
    classifier_id: int,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    contexts: Collection[int] | None = None,
    at_most: int = history.AT_MOST,
) -> Outlook:
    """Read what this classifier scored in a time, in some contexts; of very many the newest."""
    known = history.read(session, classifier_id, since=since, until=until, at_most=at_most)
    cut = len(known) == at_most
    if contexts is not None:
        known = known.where(among(known, contexts))
    return together(session, known, since=since, until=until, cut=cut)


def together(
    session: Session,
    known: History,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    cut: bool = False,
) -> Outlook:
    """Put an outlook together from texts that are read; `cut` says that older ones were left out.

    Then the time begins with the first of them.
    """
    spent = claims.seconds_per_decision(session, since=time_of(session) - _MEASURED)
    begins = None if cut else since
    return made(known, spent, since=begins, until=until or time_of(session))


def made(
    known: History,
    spent: claims.SecondsPerDecision,
    *,
    since: datetime | None = None,
    until: datetime,
) -> Outlook:
    """Put an outlook together from texts that came up to `until`, from `since` or the first on."""
    measured = spent.samples >= FEWEST and spent.mean is not None
    first = int(known.at.min()) if len(known) else 0
    begins = first if since is None else max(first, int(since.timestamp()))
    return Outlook(
        known,
        sample_of(known),
        spent.mean if measured and spent.mean is not None else SECONDS_EACH,
        spent.samples if measured else 0,
        max(1.0, (until.timestamp() - begins) / 86_400),
    )


def sample_of(known: History) -> Sample:
    """Return what is known of each text by chance, as the module's docstring has it."""
    return Sample(
        known.stratum.astype(np.int64), known.said != NONE, known.said == REMOVE, known.chance
    )


def within(
    outlook: Outlook,
    *,
    since: datetime | None = None,
    contexts: Collection[int] | None = None,
) -> Outlook:
    """Return the part of an outlook that came from `since` on, in some contexts."""
    known = outlook.history
    which = np.ones(len(known), dtype=np.bool_)
    days = outlook.days
    if since is not None and len(known):
        which &= known.at >= since.timestamp()
        end = int(known.at.min()) + outlook.days * 86_400
        days = min(days, max(1.0, (end - since.timestamp()) / 86_400))
    if contexts is not None:
        which &= among(known, contexts)
    return replace(
        outlook, history=known.where(which), sample=outlook.sample.where(which), days=days
    )


def newest(outlook: Outlook, at_most: int) -> Outlook:
    """Return the newest texts of an outlook, about so many at most, with the time they came in."""
    at = outlook.history.at
    if len(at) <= at_most:
        return outlook
    first = int(np.partition(at, len(at) - at_most)[len(at) - at_most])
    return within(outlook, since=datetime.fromtimestamp(first, UTC))


def predict(outlook: Outlook, policy: Policy, *, judged: Codes | None = None) -> Outcome:
    """Reckon what a day would be like under `policy`, were the texts to come like these.

    `judged` is what it makes of each text, where that is known already.
    """
    if judged is None:
        judged = history.judge_all(outlook.history, policy)
    return goals.of_judged(
        judged, outlook.sample, seconds_each=outlook.seconds_each, days=outlook.days
    )
