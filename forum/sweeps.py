"""Sweeps: a band of scores is approved as a whole once random draws have proved it clean enough.

What was drawn is decided on the ordinary case page; a sweep only reads the log. The looks are set
when it begins (`moderation/bounds.py`), so drawing on until it suits proves nothing.
"""

import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import Select, exists, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from forum import accounts
from forum.accounts import Viewer
from forum.errors import Changed, Invalid, NotFound
from forum.tables import Account
from moderation import bounds, decisions, labels
from moderation.bounds import Look
from moderation.decisions import Kind
from moderation.policy import Status
from moderation.tables import Case, Decision, Place, Sweep, SweepCase, SweepTerms, time_of

# A band of more cases would not fit into one batch.
AT_MOST = 50_000
A_PAGE = 25


@dataclass(frozen=True)
class Terms:
    """Of those approved unseen, the share that ought to be rejected at most; how often it errs."""

    limit: float = 0.02
    error: float = 0.05
    version: int = 0

    def __post_init__(self) -> None:
        if not 0.001 <= self.limit <= 0.5:
            raise Invalid("The limit must lie between 0.1 and 50 percent.", field="limit")
        if not 0.001 <= self.error <= 0.2:
            raise Invalid("The certainty must lie between 80 and 99.9 percent.", field="certainty")


@dataclass(frozen=True)
class Standing:
    """A sweep, how far it is, and what that proves."""

    sweep: Sweep
    who: str
    # The look that the present draws are for; None where the whole band is drawn.
    look: Look | None
    # Of those drawn: approved, rejected, lost (changed or taken back undecided), and still to do.
    approved: int
    rejected: int
    lost: int
    to_decide: int
    # How many of the undrawn are still held as they were.
    rest: int
    # Set once all draws are decided: how many ought to be rejected in the band at most.
    most: int | None
    # The draws of the next look that can still pass, if there is one.
    further: int | None

    @property
    def against(self) -> int:
        """Draws that count against the band: who knows what the lost ones were."""
        return self.rejected + self.lost

    @property
    def missed(self) -> int | None:
        """How many of the rest ought to be rejected at most."""
        return None if self.most is None else min(self.most - self.against, self.rest)

    @property
    def share(self) -> float | None:
        return None if self.missed is None or not self.rest else self.missed / self.rest

    @property
    def proved(self) -> bool:
        """Whether the rest may be approved."""
        return self.share is not None and self.share <= self.sweep.limit

    @property
    def clean_draws(self) -> int:
        """How many draws more must be decided, all of them approved."""
        if self.to_decide:
            return self.to_decide + (max(0, self.further - self.sweep.drawn) if self.further else 0)
        return max(0, (self.further or self.sweep.size) - self.sweep.drawn)


def terms(session: Session) -> Terms:
    """Return the terms in force; those that come with the forum where no admin set any."""
    row = session.scalar(select(SweepTerms).order_by(SweepTerms.id.desc()).limit(1))
    return Terms() if row is None else Terms(row.limit, row.error, row.id)


def set_terms(session: Session, new: Terms, *, author: Account | Viewer) -> None:
    """Put terms in force for the sweeps that begin from now on. Raises Changed."""
    row = SweepTerms(
        # Of two that follow the same version, one finds its number taken.
        id=new.version + 1,
        author=author.id,
        adopted_at=time_of(session),
        limit=new.limit,
        error=new.error,
    )
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        raise Changed("Another admin saved first. Nothing of yours was saved.") from None


def begin(
    session: Session, label: str, least: float, most: float, *, moderator: Account | Viewer
) -> int:
    """Draw from the cases held in a band now; what arrives later is no part. Raises Invalid."""
    if label not in labels.NAMES:
        raise Invalid("Please choose a label.", field="label")
    if not 0 <= least <= most <= 1:
        raise Invalid("The band runs from a score to one that is not lower, 0 to 1.", field="least")
    score = getattr(Place, label)
    band = session.execute(
        select(Case.id, Case.revision)
        .join(Place, Place.case_id == Case.id)
        .where(
            Place.status == Status.HELD,
            # Not what is decided and only judged anew, in an audit.
            Case.status == Status.HELD,
            score >= least,
            score <= most,
        )
        .order_by(Case.id)
        .limit(AT_MOST + 1)
    ).all()
    if not band:
        raise Invalid("No case is held in this band.", field="least")
    if len(band) > AT_MOST:
        raise Invalid(f"More than {AT_MOST:,} cases are held in this band.", field="least")
    in_force = terms(session)
    first = _looks(len(band), in_force.limit, in_force.error)[0]
    sweep = Sweep(
        label=label,
        least=least,
        most=most,
        begun_by=moderator.id,
        begun_at=time_of(session),
        line=session.scalar(select(func.max(Decision.id))) or 0,
        seed=secrets.randbits(53),
        size=len(band),
        limit=in_force.limit,
        error=in_force.error,
        drawn=first.draws,
    )
    session.add(sweep)
    session.flush()
    # Not for secrets: with the seed anybody can draw the same again.
    order = random.Random(sweep.seed).sample(range(1, len(band) + 1), len(band))  # noqa: S311
    session.execute(
        insert(SweepCase),
        [
            {
                "sweep_id": sweep.id,
                "case_id": row.id,
                "position": position,
                "revision": row.revision,
            }
            for row, position in zip(band, order, strict=True)
        ],
    )
    return sweep.id


@lru_cache(maxsize=256)
def _looks(size: int, limit: float, error: float) -> Sequence[Look]:
    return tuple(bounds.looks(size, limit, error))


def standing(session: Session, sweep_id: int) -> Standing:
    """Return how far a sweep is and what that proves. Raises NotFound."""
    sweep = session.get(Sweep, sweep_id, populate_existing=True)
    if sweep is None:
        raise NotFound("There is no such sweep.")
    rejected, approved, lost, to_decide = _drawn(session, sweep)
    rest_ = session.scalar(select(func.count()).select_from(rest(sweep_id).subquery())) or 0
    plan = _looks(sweep.size, sweep.limit, sweep.error)
    look = next((one for one in plan if one.draws == sweep.drawn), None)
    against = rejected + lost
    most = None
    if not to_decide and look is not None:
        most = bounds.most_marked(sweep.size, sweep.drawn, against, look.error)
    still = [one.draws for one in plan if one.draws > sweep.drawn and one.allows >= against]
    now = to_decide and look is not None and look.allows >= against
    return Standing(
        sweep=sweep,
        who=accounts.names(session, {sweep.begun_by}).get(sweep.begun_by, "A closed account"),
        look=look,
        approved=approved,
        rejected=rejected,
        lost=lost,
        to_decide=to_decide,
        rest=rest_,
        most=most,
        further=None if now or not still else still[0],
    )


def _drawn(session: Session, sweep: Sweep) -> tuple[int, int, int, int]:
    """Count the draws: rejected, approved, lost, still to decide."""
    later = aliased(Decision)
    undone = exists().where(later.undoes_id == Decision.id)
    decided = (
        select(Decision.kind)
        .where(
            Decision.case_id == SweepCase.case_id,
            Decision.revision == SweepCase.revision,
            Decision.id > sweep.line,
            Decision.kind.in_(decisions.BY_PEOPLE),
            ~undone,
        )
        .order_by(Decision.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    as_it_was = (
        (Case.status == Status.HELD)
        & (Case.revision == SweepCase.revision)
        & Case.withdrawn_at.is_(None)
    )
    rejected = approved = lost = to_decide = 0
    for kind, still in session.execute(
        select(decided, as_it_was)
        .select_from(SweepCase)
        .join(Case, Case.id == SweepCase.case_id)
        .where(SweepCase.sweep_id == sweep.id, SweepCase.position <= sweep.drawn)
    ):
        rejected += kind == Kind.REJECT
        approved += kind == Kind.APPROVE
        to_decide += kind is None and still
        lost += kind is None and not still
    return rejected, approved, lost, to_decide


def rest(sweep_id: int) -> Select[int]:
    """The cases of a sweep that were not drawn, still held and worded as they were."""
    return (
        select(Case.id)
        .join(SweepCase, SweepCase.case_id == Case.id)
        .join(Sweep, Sweep.id == SweepCase.sweep_id)
        .where(
            Sweep.id == sweep_id,
            SweepCase.position > Sweep.drawn,
            Case.status == Status.HELD,
            Case.revision == SweepCase.revision,
            Case.withdrawn_at.is_(None),
        )
    )


def draw_more(session: Session, sweep_id: int) -> None:
    """Draw up to the next look that can still pass. Raises Changed where nothing is to be drawn."""
    now = standing(session, sweep_id)
    if now.to_decide or now.proved or now.further is None:
        raise Changed("This sweep has moved on meanwhile. Please look again.")
    now.sweep.drawn = now.further
    session.flush()


def check(session: Session, sweep_id: int) -> None:
    """Raise Invalid unless the rest of a sweep may be approved."""
    if not standing(session, sweep_id).proved:
        raise Invalid("It is not proved that the rest of this band is clean enough.")


def listed(session: Session) -> Sequence[Sweep]:
    """Return the newest sweeps."""
    return session.scalars(select(Sweep).order_by(Sweep.id.desc()).limit(A_PAGE)).all()
