"""The tables of moderation: cases, their scores, the decisions log, scoring jobs, policy versions.

Accounts and threads belong to the host; here they are plain numbers (`author`, `context`,
`actor`) that this package counts by and never looks up.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
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
    opened_at: Mapped[datetime]
    # Set while a person should look: held, or published and reported.
    waiting_since: Mapped[datetime | None]
    # Set when the author took the text back: nothing is decided any more.
    withdrawn_at: Mapped[datetime | None]

    __table_args__ = (
        Index(None, "status", "waiting_since", "id"),
        Index(None, "status", "id"),
        Index(None, "context", "status", "withdrawn_at"),
        Index(None, "author", "status", "withdrawn_at"),
    )


class ClassifierVersion(Base):
    """A classifier that has scored something here: its name and the hash of its weights."""

    __tablename__ = "classifiers"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    version: Mapped[str]

    __table_args__ = (UniqueConstraint("name", "version"),)


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

    def by_label(self) -> dict[str, float]:
        """Return the scores that were given, by label name."""
        values = {name: getattr(self, name) for name in labels.NAMES}
        return {name: value for name, value in values.items() if value is not None}


class PolicyVersion(Base):
    """A policy as it was adopted. `based_on` is unique: of two admins at once, one is refused."""

    __tablename__ = "policy_versions"

    id: Mapped[int] = mapped_column(primary_key=True)
    based_on: Mapped[int | None] = mapped_column(ForeignKey("policy_versions.id"), unique=True)
    restores: Mapped[int | None] = mapped_column(ForeignKey("policy_versions.id"))
    author: Mapped[int | None]
    note: Mapped[str] = mapped_column(default="")
    adopted_at: Mapped[datetime]
    content: Mapped[dict[str, Any]] = mapped_column(JSON)

    @property
    def policy(self) -> Policy:
        return Policy.from_json(self.content)


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
    findings: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    policy_version_id: Mapped[int | None] = mapped_column(ForeignKey("policy_versions.id"))
    classifier_id: Mapped[int | None] = mapped_column(ForeignKey("classifiers.id"))
    # How long it had waited, and where undo puts it back in the queue.
    waited_since: Mapped[datetime | None]
    undoes_id: Mapped[int | None] = mapped_column(ForeignKey("decisions.id"), unique=True)

    policy_version: Mapped[PolicyVersion | None] = relationship(lazy="raise")
    classifier: Mapped[ClassifierVersion | None] = relationship(lazy="raise")

    __table_args__ = (
        Index(None, "case_id", "id"),
        Index(None, "actor", "id"),
        # Few among the many verdicts of the policy.
        Index(
            "ix_decisions_by_people",
            "id",
            sqlite_where=text("kind IN ('approve', 'reject', 'undo')"),
            postgresql_where=text("kind IN ('approve', 'reject', 'undo')"),
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
