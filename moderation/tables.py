"""The tables of moderation: cases, their scores, the decisions log, scoring jobs, policy versions.

Accounts and threads belong to the host; here they are plain numbers (`author`, `context`,
`actor`) that this package counts by and never looks up.
"""

from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from moderation import labels
from moderation.policy import Policy

# SQLite numbers rows by itself only for INTEGER.
Id = BigInteger().with_variant(Integer(), "sqlite")


class Moment(TypeDecorator[datetime]):
    """A point in time, always aware and in UTC, on databases that keep a zone and those without."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A moment needs a time zone.")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables of the house; constraints are named by one rule, so migrations find them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {int: Id, datetime: Moment(), str: Text()}  # noqa: RUF012


def time_of(session: Session) -> datetime:
    """Return the one time of this transaction; whoever opened it looked at the clock once."""
    moment: datetime = session.info["time"]
    return moment


class Case(Base):
    """One text under moderation, and the only home of its status."""

    __tablename__ = "cases"

    id: Mapped[int] = mapped_column(primary_key=True)
    # What readers will read, without markup: the classifier sees no more and no less.
    text: Mapped[str]
    revision: Mapped[int] = mapped_column(default=1)
    status: Mapped[str] = mapped_column(String(16))
    # Goes up with every decision and every edit; a decision made on an older one is refused.
    version: Mapped[int] = mapped_column(default=1)
    author: Mapped[int]
    context: Mapped[int]
    # In which script the text is written, as `scripts.written_in` says.
    script: Mapped[str] = mapped_column(String(16), default="", server_default="")
    opened_at: Mapped[datetime]
    # Set while a person should look: held, published and reported, or rejected and appealed.
    waiting_since: Mapped[datetime | None]
    # Set when the author took the text back: nothing is decided any more.
    withdrawn_at: Mapped[datetime | None]

    __table_args__ = (
        Index(None, "status", "waiting_since", "id"),
        Index(None, "status", "id"),
        Index(None, "script", "status", "id"),
        Index(None, "context", "status", "withdrawn_at"),
        Index(None, "author", "status", "withdrawn_at"),
    )


class Claim(Base):
    """Who has which case open, and until when. The key says that one person has one case."""

    __tablename__ = "claims"

    holder: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    # Empty for one that was taken before this was kept.
    since: Mapped[datetime | None]
    until: Mapped[datetime]


class Spent(Base):
    """How long one decision took. Whose, and on what, is not kept; its number is drawn by lot, so
    that the order of the rows does not tell it either."""

    __tablename__ = "spent"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    # The hour of the decision, at its beginning.
    hour: Mapped[datetime]
    seconds: Mapped[int]

    __table_args__ = (Index(None, "hour", "seconds"),)


class Place(Base):
    """A case's place in the review queue; written by `review_queue` alone, while the case waits."""

    __tablename__ = "places"

    case_id: Mapped[int] = mapped_column(
        ForeignKey("cases.id"), primary_key=True, autoincrement=False
    )
    status: Mapped[str] = mapped_column(String(16))
    since: Mapped[datetime]
    author: Mapped[int]
    context: Mapped[int]
    script: Mapped[str] = mapped_column(String(16), default="", server_default="")
    # Codes of what the last verdict found, each with a space before and after it.
    held_for: Mapped[str]
    # The labels whose scores reached a threshold, written in the same way.
    held_labels: Mapped[str] = mapped_column(default="")
    # The scores that it was judged by.
    toxicity: Mapped[float | None] = mapped_column(Float)
    severe_toxicity: Mapped[float | None] = mapped_column(Float)
    obscene: Mapped[float | None] = mapped_column(Float)
    threat: Mapped[float | None] = mapped_column(Float)
    insult: Mapped[float | None] = mapped_column(Float)
    identity_attack: Mapped[float | None] = mapped_column(Float)
    sexual_explicit: Mapped[float | None] = mapped_column(Float)
    # How many reports are open, and how often the number of its thread's readers can be halved.
    reports: Mapped[int]
    doublings: Mapped[int]
    # The harm to expect now; beyond the age limit more than any harm.
    urgency: Mapped[float] = mapped_column(Float)
    # With which others it is decided at once; empty for one that is decided by itself.
    fold: Mapped[int | None]

    __table_args__ = (
        Index(None, "fold", "urgency", "case_id"),
        Index(None, "status", "urgency", "case_id"),
        Index(None, "status", "since", "case_id"),
        Index(None, "context", "status"),
        Index(None, "author", "status"),
        Index(None, "script", "status", "urgency", "case_id"),
    )


class FoldKey(Base):
    """By what a fold of held cases is found again, for the next one that says the same."""

    __tablename__ = "fold_keys"

    key: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    fold: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, index=True)


class Audience(Base):
    """How many people have a context open, as one server counts them."""

    __tablename__ = "audiences"

    server: Mapped[str] = mapped_column(String(32), primary_key=True)
    context: Mapped[int] = mapped_column(primary_key=True)
    readers: Mapped[int]
    at: Mapped[datetime]


class UrgencyVersion(Base):
    """Weights of the queue's order as they were adopted; the newest are in force.

    Its number follows that of the version it was made from: of two admins at once, one is refused.
    """

    __tablename__ = "urgency_versions"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    author: Mapped[int]
    note: Mapped[str]
    adopted_at: Mapped[datetime]
    content: Mapped[dict[str, Any]] = mapped_column(JSON)


class AuditVersion(Base):
    """Shares of decisions to audit, as they were adopted; the newest are in force."""

    __tablename__ = "audit_versions"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    author: Mapped[int]
    note: Mapped[str]
    adopted_at: Mapped[datetime]
    content: Mapped[dict[str, Any]] = mapped_column(JSON)


class AlarmLimits(Base):
    """From where on alarms are raised, as an admin adopted it; numbered like UrgencyVersion."""

    __tablename__ = "alarm_limits"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    author: Mapped[int]
    note: Mapped[str]
    adopted_at: Mapped[datetime]
    content: Mapped[dict[str, Any]] = mapped_column(JSON)


class Golden(Base):
    """A decided case whose right answer is known; newcomers get it mixed in."""

    __tablename__ = "golden_cases"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    revision: Mapped[int]
    answer: Mapped[str] = mapped_column(String(16))
    # Why it is right, for whoever has answered.
    words: Mapped[str]
    marked_by: Mapped[int]
    marked_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "uq_golden_cases_case_id",
            "case_id",
            unique=True,
            sqlite_where=text("retired_at IS NULL"),
            postgresql_where=text("retired_at IS NULL"),
        ),
    )


class Audit(Base):
    """A decided case that comes to somebody else as if it waited, and what they answered.

    One of the stratum `held` really waits: it is shown on its words alone, so that the others do
    not stand out. It is open until `ended_at`; without an answer then it has lapsed.
    """

    __tablename__ = "audits"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    revision: Mapped[int]
    # The decision that is audited, and the probability with which it was drawn.
    decision_id: Mapped[int] = mapped_column(ForeignKey("decisions.id"), index=True)
    stratum: Mapped[str] = mapped_column(String(24))
    share: Mapped[float] = mapped_column(Float)
    decided_by: Mapped[int | None]
    # The answer that agrees with it: approve or reject; empty where the machine left it open.
    expected: Mapped[str] = mapped_column(String(16))
    # Whether scores and reasons are left out while it is judged.
    words_alone: Mapped[bool]
    # For one person only, as golden cases are.
    only_for: Mapped[int | None]
    golden_id: Mapped[int | None] = mapped_column(ForeignKey("golden_cases.id"))
    # Since when it seems to wait.
    since: Mapped[datetime]
    drawn_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    answer: Mapped[str] = mapped_column(String(16), default="")
    reason: Mapped[str] = mapped_column(String(32), default="")
    words: Mapped[str] = mapped_column(default="")
    answered_by: Mapped[int | None]
    # The line of the log that the answer wrote.
    answer_id: Mapped[int | None] = mapped_column(ForeignKey("decisions.id"))
    # Whether who answered could not tell that it was decided.
    unmarked: Mapped[bool] = mapped_column(default=True)
    # The decision of a third person, where answer and decision differed.
    settled_id: Mapped[int | None] = mapped_column(ForeignKey("decisions.id"))

    __table_args__ = (
        Index(
            "uq_audits_case_id",
            "case_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(None, "case_id", "id"),
        Index(None, "drawn_at", "stratum"),
        Index(None, "only_for", "golden_id"),
    )


class AuditCount(Base):
    """How many decisions could have been audited, among the lines of the log up to one.

    A piece begins where the one before it ended, so of two who count at once one is refused.
    """

    __tablename__ = "audit_counts"

    behind: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    stratum: Mapped[str] = mapped_column(String(24), primary_key=True)
    upto: Mapped[int] = mapped_column(index=True)
    many: Mapped[int]


class ClassifierVersion(Base):
    """A classifier that has scored something here: its name and the hash of its weights."""

    __tablename__ = "classifiers"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    version: Mapped[str]
    # When it last took its place: of several, the newest is the one that decides, or shadows.
    decides_since: Mapped[datetime | None]
    shadows_since: Mapped[datetime | None]

    __table_args__ = (UniqueConstraint("name", "version"),)

    @property
    def title(self) -> str:
        """How people read it."""
        return f"{self.name} {self.version}"


class CalibrationVersion(Base):
    """Curves that the site adopted for a classifier's scores; the newest one is in force.

    `base_id` is the classifier as it is loaded, `classifier_id` the one that it becomes by the
    curves; without curves, as after an undo, both are the same.
    """

    __tablename__ = "calibrations"

    id: Mapped[int] = mapped_column(primary_key=True)
    base_id: Mapped[int] = mapped_column(ForeignKey("classifiers.id"))
    classifier_id: Mapped[int] = mapped_column(ForeignKey("classifiers.id"))
    # By label: the curve's knots, and how reliable its probabilities were when it was fitted.
    curves: Mapped[dict[str, Any]] = mapped_column(JSON)
    reliability: Mapped[dict[str, Any]] = mapped_column(JSON)
    adopted_at: Mapped[datetime]

    __table_args__ = (Index(None, "base_id", "id"), Index(None, "classifier_id"))


class CalibrationProposal(Base):
    """Curves fitted to what people decided, for an admin to look at; the newest one counts.

    Asked for, it has no `fitted_at` until a server has found the time.
    """

    __tablename__ = "calibration_proposals"

    id: Mapped[int] = mapped_column(primary_key=True)
    # Who asked for it; empty for one that came by itself.
    asked_by: Mapped[int | None]
    asked_at: Mapped[datetime]
    fitted_at: Mapped[datetime | None]
    # The classifier as it is loaded, and the calibration that was in force when it was fitted.
    base_id: Mapped[int] = mapped_column(ForeignKey("classifiers.id"))
    calibration_id: Mapped[int | None] = mapped_column(ForeignKey("calibrations.id"))
    # By label, as `calibrations.Refit` writes itself.
    refits: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    # The policy version that came with adopting it.
    adopted_as: Mapped[int | None] = mapped_column(ForeignKey("policy_versions.id"))


class Section(Base):
    """A section in which a text stood when it was judged, by its path: the host names them."""

    __tablename__ = "sections"

    id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(unique=True)


class Score(Base):
    """What one classifier gave one revision of a text: a column a label, empty if it has none.

    A row a text and not a row a label: a simulation reads a million of them as seven arrays.
    """

    __tablename__ = "scores"

    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    classifier_id: Mapped[int] = mapped_column(ForeignKey("classifiers.id"), primary_key=True)
    scored_at: Mapped[datetime] = mapped_column(index=True)
    toxicity: Mapped[float | None] = mapped_column(Float)
    severe_toxicity: Mapped[float | None] = mapped_column(Float)
    obscene: Mapped[float | None] = mapped_column(Float)
    threat: Mapped[float | None] = mapped_column(Float)
    insult: Mapped[float | None] = mapped_column(Float)
    identity_attack: Mapped[float | None] = mapped_column(Float)
    sexual_explicit: Mapped[float | None] = mapped_column(Float)
    # Codes of the signals that were seen, with a space between two.
    signals: Mapped[str] = mapped_column(default="")
    # How many published comments the author had then.
    good: Mapped[int] = mapped_column(default=0)
    # Where it stood then: its section, and the age of its context in whole days.
    section_id: Mapped[int | None] = mapped_column(ForeignKey("sections.id"))
    older: Mapped[int] = mapped_column(default=0, server_default="0")
    # What the text quotes, scored apart from the author's own words; empty if it quotes nothing.
    quoted: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    # Which words carry the scores; empty until the worker has found the time to look.
    why: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=dict)

    __table_args__ = (
        Index(None, "classifier_id", "case_id", "revision"),
        Index(
            "ix_scores_to_explain",
            "classifier_id",
            "case_id",
            sqlite_where=text("why IS NULL"),
            postgresql_where=text("why IS NULL"),
        ),
    )

    section: Mapped["Section | None"] = relationship(lazy="raise")

    def by_label(self) -> dict[str, float]:
        """Return the scores that were given, by label name."""
        values = {name: getattr(self, name) for name in labels.NAMES}
        return {name: value for name, value in values.items() if value is not None}


class PolicyVersion(Base):
    """A policy as it was adopted. `based_on` is unique: of two admins at once, one is refused.

    Its numbers are for the scores of one classifier, and mean nothing for those of another.
    `shipped` marks the default that nobody has touched: it follows the classifier that ships.
    """

    __tablename__ = "policy_versions"

    id: Mapped[int] = mapped_column(primary_key=True)
    based_on: Mapped[int | None] = mapped_column(ForeignKey("policy_versions.id"), unique=True)
    restores: Mapped[int | None] = mapped_column(ForeignKey("policy_versions.id"))
    author: Mapped[int | None]
    note: Mapped[str] = mapped_column(default="")
    adopted_at: Mapped[datetime]
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    classifier_id: Mapped[int] = mapped_column(ForeignKey("classifiers.id"))
    shipped: Mapped[bool] = mapped_column(default=False)
    # What the admin wanted, where thresholds were found for it.
    goal: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    # What was expected of it when it was adopted, and what came of it (`predictions`).
    prediction: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    outcome: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    # What the fairness check found before it counted, and the reason why it counts all the same;
    # empty for one that nobody checked.
    fairness: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))

    classifier: Mapped[ClassifierVersion] = relationship(lazy="raise")

    @cached_property
    def policy(self) -> Policy:
        return Policy.from_json(self.content)

    @property
    def came_as_expected(self) -> bool:
        """Whether all that was kept of what came lay within its interval."""
        lines = (self.outcome or {}).get("lines", {}).values()
        return all(line["as_expected"] for line in lines)


class SuitePiece(Base):
    """What a classifier, as it was loaded, gave some sentences of the identity suite.

    `suite` is the hash of all its sentences, `start` the place of the first one here; `scores` has
    a list in the labels' order for each, empty where the classifier broke on it.
    """

    __tablename__ = "suite_pieces"

    classifier_id: Mapped[int] = mapped_column(ForeignKey("classifiers.id"), primary_key=True)
    suite: Mapped[str] = mapped_column(String(16), primary_key=True)
    start: Mapped[int] = mapped_column(primary_key=True)
    scores: Mapped[list[list[float | None]]] = mapped_column(JSON)


class Rehearsal(Base):
    """A policy on trial: it judges beside the one in force, on a share of threads in its place.

    Numbered one after the other: of two admins who start one at once, one is refused.
    """

    __tablename__ = "rehearsals"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    # The version in force when it started, and whose scores its numbers are for.
    based_on: Mapped[int] = mapped_column(ForeignKey("policy_versions.id"))
    classifier_id: Mapped[int] = mapped_column(ForeignKey("classifiers.id"))
    # On which share of threads it decides; 0: it only looks on. The seed says on which.
    share: Mapped[float] = mapped_column(Float)
    seed: Mapped[int]
    note: Mapped[str]
    started_by: Mapped[int | None]
    started_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    # Empty for one that runs until `ends_at`, or ran until then.
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[int | None]
    # Why before its time: stopped, adopted, misfit.
    ended_why: Mapped[str] = mapped_column(String(16), default="")
    # As for a version of the policy; only where it decides.
    fairness: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))

    @property
    def policy(self) -> Policy:
        return Policy.from_json(self.content)


class Rehearsed(Base):
    """What both policies said of a text during a rehearsal, and whether the rehearsed one decided.

    `context` is that of the case: what is counted by thread is so counted in one place.
    """

    __tablename__ = "rehearsed"

    rehearsal_id: Mapped[int] = mapped_column(ForeignKey("rehearsals.id"), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    context: Mapped[int]
    verdict: Mapped[str] = mapped_column(String(16))
    in_force: Mapped[str] = mapped_column(String(16))
    decides: Mapped[bool] = mapped_column(Boolean)

    __table_args__ = (
        # A count by thread reads the index alone.
        Index("ix_rehearsed_counted", "rehearsal_id", "context", "decides", "in_force", "verdict"),
        Index(
            "ix_rehearsed_apart",
            "rehearsal_id",
            "case_id",
            sqlite_where=text("verdict <> in_force"),
            postgresql_where=text("verdict <> in_force"),
        ),
    )


class RulesVersion(Base):
    """The site's rules and reasons as they were adopted. `based_on` is unique, as with policies."""

    __tablename__ = "rules_versions"

    id: Mapped[int] = mapped_column(primary_key=True)
    based_on: Mapped[int | None] = mapped_column(ForeignKey("rules_versions.id"), unique=True)
    author: Mapped[int | None]
    # What differs from the version before, in words.
    change: Mapped[str]
    adopted_at: Mapped[datetime]
    content: Mapped[dict[str, Any]] = mapped_column(JSON)


class Decision(Base):
    """One line of the log: who or what moved a case from where to where, why and on what ground.

    Append-only: triggers in the database refuse to change or delete a row.
    """

    __tablename__ = "decisions"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    revision: Mapped[int]
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(16))
    # The account that acted; empty when the policy or the system did.
    actor: Mapped[int | None]
    from_status: Mapped[str] = mapped_column(String(16))
    to_status: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(32), default="")
    words: Mapped[str] = mapped_column(default="")
    # The reason and the clause of the rules that it points at, as they read at that moment.
    rule: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    findings: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    policy_version_id: Mapped[int | None] = mapped_column(ForeignKey("policy_versions.id"))
    # Set in place of the version where a rehearsed policy decided.
    rehearsal_id: Mapped[int | None] = mapped_column(ForeignKey("rehearsals.id"))
    classifier_id: Mapped[int | None] = mapped_column(ForeignKey("classifiers.id"))
    # How long it had waited, and where undo puts it back in the queue.
    waited_since: Mapped[datetime | None]
    undoes_id: Mapped[int | None] = mapped_column(ForeignKey("decisions.id"), unique=True)
    # The batch that it was made in, or taken back with.
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batches.id"))
    # Among which decisions it was, or was not, drawn for an audit, and with which probability; an
    # undo names the stratum of what it takes back.
    stratum: Mapped[str | None] = mapped_column(String(24))
    share: Mapped[float | None] = mapped_column(Float)

    policy_version: Mapped[PolicyVersion | None] = relationship(lazy="raise")
    rehearsal: Mapped[Rehearsal | None] = relationship(lazy="raise")
    classifier: Mapped[ClassifierVersion | None] = relationship(lazy="raise")

    __table_args__ = (
        Index(None, "case_id", "id"),
        Index(None, "actor", "id"),
        # What one person decided: the cases alone, without the lines.
        Index(
            "ix_decisions_of_person",
            "actor",
            "case_id",
            sqlite_where=text("kind IN ('approve', 'reject')"),
            postgresql_where=text("kind IN ('approve', 'reject')"),
        ),
        # What was rejected, by time: few among all lines.
        Index(
            "ix_decisions_rejecting",
            "at",
            sqlite_where=text("to_status = 'rejected'"),
            postgresql_where=text("to_status = 'rejected'"),
        ),
        # Few among the many verdicts of the policy.
        Index(
            "ix_decisions_by_people",
            "id",
            sqlite_where=text("kind IN ('approve', 'reject', 'undo')"),
            postgresql_where=text("kind IN ('approve', 'reject', 'undo')"),
        ),
        Index(
            "ix_decisions_auditable",
            "id",
            sqlite_where=text("stratum IS NOT NULL"),
            postgresql_where=text("stratum IS NOT NULL"),
        ),
    )


class SweepTerms(Base):
    """How much a sweep may miss, as an admin adopted it; numbered like UrgencyVersion."""

    __tablename__ = "sweep_terms"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    author: Mapped[int]
    adopted_at: Mapped[datetime]
    # Of those approved unseen, the share that ought to be rejected at most; and how often a sweep
    # may be wrong about it.
    limit: Mapped[float] = mapped_column(Float)
    error: Mapped[float] = mapped_column(Float)


class Sweep(Base):
    """Random draws from the cases held in a band of a label's scores, by the terms of that day."""

    __tablename__ = "sweeps"

    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(String(32))
    least: Mapped[float] = mapped_column(Float)
    most: Mapped[float] = mapped_column(Float)
    begun_by: Mapped[int]
    begun_at: Mapped[datetime]
    # The last line of the log then: what people decided later counts.
    line: Mapped[int]
    # With it the order of the draws can be made again.
    seed: Mapped[int]
    size: Mapped[int]
    limit: Mapped[float] = mapped_column(Float)
    error: Mapped[float] = mapped_column(Float)
    # How many are drawn: the first so many by position.
    drawn: Mapped[int]


class SweepCase(Base):
    """A case of a sweep's band, its place in the order of the draws, and what wording it had."""

    __tablename__ = "sweep_cases"

    sweep_id: Mapped[int] = mapped_column(ForeignKey("sweeps.id"), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    position: Mapped[int]
    revision: Mapped[int]

    __table_args__ = (Index(None, "sweep_id", "position"),)


class Batch(Base):
    """Many decisions as one act: drafted to be looked at, run in parts, taken back as one."""

    __tablename__ = "batches"

    id: Mapped[int] = mapped_column(primary_key=True)
    # How its cases were found: chosen, matching a view, a fold, the rest of a sweep.
    origin: Mapped[str] = mapped_column(String(16))
    # The view that they were found in, as it stands in the address.
    view: Mapped[dict[str, Any]] = mapped_column(JSON)
    sweep_id: Mapped[int | None] = mapped_column(ForeignKey("sweeps.id"))
    # The policy that is applied to what was held, where it is that.
    policy_version_id: Mapped[int | None] = mapped_column(ForeignKey("policy_versions.id"))
    # draft, running, done, undoing, undone: so a batch that was killed can be gone on with.
    state: Mapped[str] = mapped_column(String(16))
    # What was decided, from the moment it runs.
    kind: Mapped[str] = mapped_column(String(16), default="")
    reason: Mapped[str] = mapped_column(String(32), default="")
    words: Mapped[str] = mapped_column(default="")
    drafted_by: Mapped[int]
    drafted_at: Mapped[datetime]
    started_by: Mapped[int | None]
    started_at: Mapped[datetime | None]
    # When its last part was done.
    moved_at: Mapped[datetime | None]
    undone_by: Mapped[int | None]
    undone_at: Mapped[datetime | None]

    __table_args__ = (Index(None, "state", "id"),)


class BatchCase(Base):
    """A case in a batch, as it was seen, and what became of it there."""

    __tablename__ = "batch_cases"

    batch_id: Mapped[int] = mapped_column(ForeignKey("batches.id"), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    # The case's version that was seen; one that has moved on since is left alone.
    version: Mapped[int]
    # waits, decided, undone; or left: changed, taken, kept.
    outcome: Mapped[str] = mapped_column(String(16))
    decision_id: Mapped[int | None] = mapped_column(ForeignKey("decisions.id"))

    __table_args__ = (Index(None, "batch_id", "outcome", "case_id"),)


class Act(Base):
    """One line of the log of what people changed besides decisions. Append-only, like decisions."""

    __tablename__ = "acts"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    did: Mapped[str] = mapped_column(String(16))
    actor: Mapped[int]
    # The account that it was done to, if to one.
    subject: Mapped[int | None]
    words: Mapped[str]

    __table_args__ = (Index(None, "did", "id"), Index(None, "subject", "id"))


class Switch(Base):
    """Something that the site does or leaves; without a row it stands as on a new site."""

    __tablename__ = "switches"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    is_on: Mapped[bool] = mapped_column(Boolean)
    turned_by: Mapped[int]
    turned_at: Mapped[datetime]


class ListedWord(Base):
    """A word or phrase that holds or rejects. Taken off the list, its row stays."""

    __tablename__ = "listed_words"

    id: Mapped[int] = mapped_column(primary_key=True)
    # As it was typed, and as it is compared.
    typed: Mapped[str]
    words: Mapped[str]
    means: Mapped[str] = mapped_column(String(16))
    # The code of the reason that a rejection by it names; empty: the last of the reasons.
    reason: Mapped[str] = mapped_column(String(32), default="")
    note: Mapped[str]
    added_by: Mapped[int]
    added_at: Mapped[datetime]
    removed_by: Mapped[int | None]
    removed_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "uq_listed_words_words",
            "words",
            unique=True,
            sqlite_where=text("removed_at IS NULL"),
            postgresql_where=text("removed_at IS NULL"),
        ),
    )


class Notice(Base):
    """Something that an account is told: to be read on the site, and to be sent."""

    __tablename__ = "notices"

    id: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[int]
    kind: Mapped[str] = mapped_column(String(16))
    decision_id: Mapped[int | None] = mapped_column(ForeignKey("decisions.id"), unique=True)
    # What else it is about, by the host's number: a sanction.
    about: Mapped[int | None]
    at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    # To be sent, not before this moment: soon, after a failure, or at the end of somebody's lease.
    # Empty once it is sent, or when there is nowhere to send it.
    ready_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    lease: Mapped[str | None] = mapped_column(String(32))
    last_error: Mapped[str] = mapped_column(default="")
    sent_at: Mapped[datetime | None]

    __table_args__ = (
        Index(None, "account", "id"),
        Index(
            "ix_notices_unread",
            "account",
            sqlite_where=text("read_at IS NULL"),
            postgresql_where=text("read_at IS NULL"),
        ),
        Index(
            "ix_notices_to_send",
            "ready_at",
            "id",
            sqlite_where=text("ready_at IS NOT NULL"),
            postgresql_where=text("ready_at IS NOT NULL"),
        ),
    )


class ScoringJob(Base):
    """A text that waits for the classifier. Gone once it is scored, or parked after failures."""

    __tablename__ = "scoring_jobs"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), unique=True)
    revision: Mapped[int]
    attempts: Mapped[int] = mapped_column(default=0)
    queued_at: Mapped[datetime]
    # Not before this moment: now, a pause after a failure, or the end of somebody's lease.
    ready_at: Mapped[datetime]
    lease: Mapped[str | None] = mapped_column(String(32))
    last_error: Mapped[str] = mapped_column(default="")

    __table_args__ = (Index(None, "ready_at", "id"),)
