"""Statements of reasons: of one rejection, what the EU's Digital Services Act asks for.

The names of the fields and of their values are those of the Commission's transparency database.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from forum import appeals
from forum.accounts import Role, Viewer
from forum.errors import NotFound
from forum.settings import Settings
from forum.tables import Appeal, Comment, Report
from moderation import rules
from moderation.decisions import BY_PEOPLE, Kind
from moderation.policy import Finding
from moderation.tables import Decision

_CATEGORIES = {
    "insult": "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH",
    "identity_attack": "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH",
    "threat": "STATEMENT_CATEGORY_VIOLENCE",
}
_OTHER = "STATEMENT_CATEGORY_OTHER_VIOLATION_TC"
# What is removed is removed for everybody; the database asks in which of these countries.
_EVERYWHERE = [
    *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE"),
    *("IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"),
]


def of(
    session: Session, decision_id: int, viewer: Viewer, *, settings: Settings
) -> Mapping[str, Any]:
    """Return the statement of reasons for a rejection. Raises NotFound.

    For its author and for admins; to others there is no such decision.
    """
    line = session.get(Decision, decision_id)
    comment = session.scalar(
        select(Comment)
        .where(Comment.case_id == (line.case_id if line else 0))
        .options(joinedload(Comment.article))
    )
    if (
        line is None
        or comment is None
        or line.kind not in (Kind.VERDICT, Kind.REJECT)
        or line.rule is None
        or not (viewer.id == comment.author_id or Role(viewer.role).allows(Role.ADMIN))
    ):
        raise NotFound("There is no statement of reasons at this address for you.")
    by_machine = line.actor is None
    judged = _judged_before(session, line)
    findings = [Finding.from_json(each) for each in (judged.findings if judged else ())]
    # What was skipped, since its author is trusted, and a site's way to look at everything are
    # no ground to have found it by.
    found = [
        each.in_words()
        for each in findings
        if each.trusted is None and each.code != "hold_everything"
    ]
    reported = session.scalar(
        select(Report.id)
        .where(
            Report.comment_id == comment.id,
            Report.revision == line.revision,
            Report.created_at < line.at,
        )
        .limit(1)
    )
    reason = next(
        (each for each in rules.in_force(session).all_reasons if each.code == line.reason), None
    )
    rule = line.rule
    return {
        "puid": f"decision-{line.id}",
        "platform_name": settings.site_name,
        # What was done, where, and for how long.
        "decision_visibility": ["DECISION_VISIBILITY_CONTENT_REMOVED"],
        "decision_monetary": None,
        "decision_provision": None,
        "decision_account": None,
        "territorial_scope": _EVERYWHERE,
        "application_date": line.at.date().isoformat(),
        "decided_at": line.at.isoformat(timespec="seconds"),
        "end_date_visibility_restriction": None,
        # With what.
        "content_type": ["CONTENT_TYPE_TEXT"],
        "content_date": (comment.edited_at or comment.created_at).date().isoformat(),
        "content_url": f"{settings.address}/comments/{comment.id}",
        "content_language": None,
        "content_article": comment.article.title,
        # On what ground.
        "decision_ground": "DECISION_GROUND_INCOMPATIBLE_CONTENT",
        "incompatible_content_ground": f"Rule {rule['number']}, {rule['title']}: {rule['text']}",
        "incompatible_content_explanation": " ".join(
            part for part in (f"{rule['reason']}.", line.words) if part
        ),
        "incompatible_content_illegal": "No",
        "decision_ground_reference_url": f"{settings.address}/rules#rule-{rule['number']}",
        "category": _CATEGORIES.get(reason.label if reason else "", _OTHER),
        # On what facts, and how they were found.
        "decision_facts": " ".join(
            (
                "A program decided." if by_machine else "A moderator decided.",
                *(["Readers had reported the comment."] if reported else ()),
                *found,
            )
        ),
        "source_type": "SOURCE_TYPE_OTHER_NOTIFICATION" if reported else "SOURCE_VOLUNTARY",
        "automated_detection": "Yes" if found else "No",
        "automated_decision": "AUTOMATED_DECISION_FULLY"
        if by_machine
        else "AUTOMATED_DECISION_NOT_AUTOMATED",
        # What its author can do about it.
        "redress": _redress(session, line, settings),
    }


def _judged_before(session: Session, line: Decision) -> Decision | None:
    """The verdict that the decision followed, or is."""
    return session.scalar(
        select(Decision)
        .where(
            Decision.case_id == line.case_id,
            Decision.revision == line.revision,
            Decision.kind == Kind.VERDICT,
            Decision.id <= line.id,
        )
        .order_by(Decision.id.desc())
        .limit(1)
    )


def _redress(session: Session, line: Decision, settings: Settings) -> dict[str, Any]:
    appeal = session.scalar(
        select(Appeal).where(Appeal.decision_id == line.id).options(joinedload(Appeal.answer))
    )
    final = appeals.is_answer(session, line.id)
    said: dict[str, Any] = {
        "internal_complaint": None if final else f"{settings.address}/notices",
        "internal_complaint_until": None
        if final
        else appeals.until(session, line).isoformat(timespec="seconds"),
        "out_of_court": "A dispute settlement body certified under Article 21 of the Digital"
        " Services Act.",
        "judicial": "The courts.",
        "appealed_at": appeal.created_at.isoformat(timespec="seconds") if appeal else None,
        "appeal_outcome": None,
    }
    if appeal and appeal.answer and appeal.answer.kind in BY_PEOPLE:
        overturned = appeal.answer.kind == Kind.APPROVE
        said["appeal_outcome"] = "overturned" if overturned else "upheld"
    return said
