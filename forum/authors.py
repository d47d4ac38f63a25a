"""An author as moderators see them: the record, the sanctions, what they wrote."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from forum import accounts, comments, sanctions
from forum.sanctions import Standing
from forum.tables import Account, Comment
from moderation import audits, cases
from moderation.cases import Record
from moderation.policy import Status
from moderation.tables import Case, Decision

A_PAGE = 20


@dataclass(frozen=True)
class AuthorFile:
    """Everything that is known of an author. `rejected_for` counts by reason; "" is the policy."""

    account: Account
    record: Record
    rejected_for: Mapping[str, int]
    standing: Standing
    comments: Sequence[Comment]
    more: int | None
    # Which of them are held to the person who looks, whatever was decided.
    held: Collection[int] = ()


def open_file(
    session: Session, account_id: int, *, viewer: int = 0, before: int | None = None
) -> AuthorFile:
    """Return an author's file with a page of comments, newest first. Raises NotFound."""
    account = accounts.get(session, account_id)
    found = comments.by_author(session, account_id, before=before, at_most=A_PAGE + 1)
    return AuthorFile(
        account=account,
        record=cases.records(session, [account_id], seen_by=viewer)[account_id],
        rejected_for=_rejected_for(session, account_id, viewer),
        standing=sanctions.standing(session, account_id),
        comments=found[:A_PAGE],
        more=found[A_PAGE - 1].id if len(found) > A_PAGE else None,
        held=set(session.scalars(audits.unseen_by(viewer))) if audits.begun(session) else (),
    )


def _rejected_for(session: Session, account_id: int, viewer: int) -> dict[str, int]:
    """Count the rejected comments by the reason of the decision that stands, the most first."""
    rejected = select(Case.id).where(
        Case.author == account_id,
        Case.status == Status.REJECTED,
        Case.withdrawn_at.is_(None),
        *([Case.id.not_in(audits.unseen_by(viewer))] if audits.begun(session) else []),
    )
    last = cases.rejected_by(Decision.case_id.in_(rejected))
    rows = session.execute(
        select(Decision.reason, func.count())
        .where(Decision.id.in_(last))
        .group_by(Decision.reason)
        .order_by(func.count().desc(), Decision.reason)
    )
    return dict(rows.all())
