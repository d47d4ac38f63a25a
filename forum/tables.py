"""The tables of the forum: accounts, articles, comments, reports, disclaimers, API keys."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BindParameter,
    Boolean,
    ColumnElement,
    Float,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    and_,
    or_,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from moderation.tables import Base, Case, Decision


class Account(Base):
    """Somebody with a name here, and a role. A guest is an account without a password."""

    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    # The name as it is compared: two people whose names look the same would be taken for one.
    name_key: Mapped[str]
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str | None]
    # A one-time password lets in once, to choose another.
    must_change_password: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "uq_accounts_name_key",
            "name_key",
            unique=True,
            sqlite_where=text("role <> 'guest'"),
            postgresql_where=text("role <> 'guest'"),
        ),
        Index(None, "role", "id"),
    )


class Login(Base):
    """A browser or program that is signed in. Only the hash of its token is kept."""

    __tablename__ = "logins"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)

    account: Mapped[Account] = relationship(lazy="raise")


class Sanction(Base):
    """What was done about an account: a warning, or something that it may not do for a while."""

    __tablename__ = "sanctions"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    kind: Mapped[str] = mapped_column(String(16))
    # The higher, the graver; of several in force, the gravest is told first.
    gravity: Mapped[int]
    # Why, as the account is told.
    words: Mapped[str]
    # The case that gave rise to it, if one did.
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    given_by: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    given_at: Mapped[datetime]
    # Empty: until it is lifted.
    ends_at: Mapped[datetime | None]
    # Of a warning; it ends by being read.
    read_at: Mapped[datetime | None]
    lifted_by: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    lifted_at: Mapped[datetime | None]
    lifted_words: Mapped[str] = mapped_column(default="")

    giver: Mapped[Account] = relationship(lazy="raise", foreign_keys=given_by)
    lifter: Mapped[Account | None] = relationship(lazy="raise", foreign_keys=lifted_by)

    __table_args__ = (Index(None, "account_id", "id"),)

    @classmethod
    def in_force_at(cls, now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
        """The condition that one holds at this moment."""
        return and_(
            cls.lifted_at.is_(None),
            cls.read_at.is_(None),
            or_(cls.ends_at.is_(None), cls.ends_at > now),
        )

    def holds_at(self, now: datetime) -> bool:
        """Whether it holds at this moment."""
        over = self.ends_at is not None and self.ends_at <= now
        return self.lifted_at is None and self.read_at is None and not over


class Note(Base):
    """What a moderator tells colleagues about a case."""

    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    words: Mapped[str]
    created_at: Mapped[datetime]

    author: Mapped[Account] = relationship(lazy="raise")

    __table_args__ = (Index(None, "case_id", "id"),)


class Habits(Base):
    """How a moderator wants to work. Read by themselves alone."""

    __tablename__ = "habits"

    account_id: Mapped[int] = mapped_column(
        ForeignKey("accounts.id"), primary_key=True, autoincrement=False
    )
    # Whether words that hurt are covered until they are asked for.
    covers: Mapped[bool] = mapped_column(Boolean)
    # A pause is suggested after so many cases (empty: never) that scored so high, in so many
    # minutes.
    cases: Mapped[int | None]
    score: Mapped[float] = mapped_column(Float)
    minutes: Mapped[int]
    # Before this moment nothing counts: the last time that a suggestion was put away.
    rested_at: Mapped[datetime | None]
    # Labels whose cases are not offered, with a space between two.
    left_out: Mapped[str]


class WorkHour(Base):
    """What came to moderators in an hour and a section, and what they did. Derived from the log by
    `forum.workload`, and made anew from it when the rows are gone."""

    __tablename__ = "work_hours"

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    section_path: Mapped[str] = mapped_column(primary_key=True)
    # Cases that began to wait, that people decided, and that ceased to wait otherwise.
    arrived: Mapped[int]
    decided: Mapped[int]
    left: Mapped[int]
    # How long the decided ones had waited, all together, in seconds.
    waited: Mapped[int]


class WorkGround(Base):
    """How many cases came to moderators in an hour on what ground. Derived, as work_hours."""

    __tablename__ = "work_grounds"

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    # The code of a finding; of a threshold its label.
    ground: Mapped[str] = mapped_column(primary_key=True)
    cases: Mapped[int]
    # Those that had no other ground.
    alone: Mapped[int]


class WorkReach(Base):
    """How far the log is counted: up to this line, and to the end of this hour. One row."""

    __tablename__ = "work_reach"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    line: Mapped[int]
    hour: Mapped[datetime]


class ScoreDay(Base):
    """In which bands a label's scores lay in the verdicts of a day. Derived from the log by
    `forum.scoredays`, and made anew from it when the rows are gone."""

    __tablename__ = "score_days"

    # In the newsroom's time, as 2026-11-22.
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    classifier_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    # Of all comments, of those in a script, or of those in a section; and in which.
    part: Mapped[str] = mapped_column(String(16), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(String(32), primary_key=True)
    # A number a band of `moderation.drift`.
    counts: Mapped[list[int]] = mapped_column(JSON)


class VerdictDay(Base):
    """How many comments a policy version judged in a day, and how. Derived, as score_days."""

    __tablename__ = "verdict_days"

    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    policy_version_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    judged: Mapped[int]
    held: Mapped[int]
    rejected: Mapped[int]


class ScoreReach(Base):
    """The last day that is counted. One row."""

    __tablename__ = "score_reach"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[str] = mapped_column(String(10))


class Alarm(Base):
    """Something that an admin should look at: since when, and whether somebody knows."""

    __tablename__ = "alarms"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    # What of this kind it is about, as programs tell it apart.
    subject: Mapped[str]
    title: Mapped[str]
    # What happened, and what to do next.
    words: Mapped[str]
    advice: Mapped[str]
    opened_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    acknowledged_by: Mapped[int | None]
    acknowledged_at: Mapped[datetime | None]
    cleared_at: Mapped[datetime | None]

    __table_args__ = (
        # Of two servers that see the same, one opens it.
        Index(
            "uq_alarms_kind_subject",
            "kind",
            "subject",
            unique=True,
            sqlite_where=text("cleared_at IS NULL"),
            postgresql_where=text("cleared_at IS NULL"),
        ),
        Index(None, "cleared_at", "id"),
    )


class AlarmCall(Base):
    """A message to the webhook, written with what it tells; leased as mails are."""

    __tablename__ = "alarm_calls"

    id: Mapped[int] = mapped_column(primary_key=True)
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    at: Mapped[datetime]
    # As of a notice: when to send it, or the end of a lease; empty once nothing is to be done.
    ready_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    lease: Mapped[str | None] = mapped_column(String(32))
    last_error: Mapped[str] = mapped_column(default="")
    sent_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "ix_alarm_calls_to_send",
            "ready_at",
            "id",
            sqlite_where=text("ready_at IS NOT NULL"),
            postgresql_where=text("ready_at IS NOT NULL"),
        ),
    )


class SavedView(Base):
    """A view of the review queue that its owner has named."""

    __tablename__ = "saved_views"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str]
    name_key: Mapped[str]
    # What stands in the view's address.
    asked: Mapped[dict[str, str]] = mapped_column(JSON)
    created_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("account_id", "name_key"),)


class Address(Base):
    """Where an account gets mail, once it has opened the link that was sent there."""

    __tablename__ = "addresses"

    account_id: Mapped[int] = mapped_column(
        ForeignKey("accounts.id"), primary_key=True, autoincrement=False
    )
    address: Mapped[str]
    # Stands in the link. Kept as it is: the mail is made from it when it is sent.
    token: Mapped[str] = mapped_column(String(64), unique=True)
    asked_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]


class Disclaimer(Base):
    """A disclaimer's wording at a time. `for_site`: the site's; else an article's own."""

    __tablename__ = "disclaimers"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    for_site: Mapped[bool] = mapped_column(Boolean)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    created_at: Mapped[datetime]

    author: Mapped[Account | None] = relationship(lazy="raise")

    __table_args__ = (Index(None, "for_site", "id"),)


class Article(Base):
    """What was loaded: the text that a thread is about."""

    __tablename__ = "articles"

    id: Mapped[int] = mapped_column(primary_key=True)
    # Its canonical address if it has one, else its path below the folder it was loaded from.
    identity: Mapped[str] = mapped_column(unique=True)
    slug: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    # As shown, "News / Syrian Crisis", and as found in addresses, "news/syrian-crisis".
    section: Mapped[str] = mapped_column(default="")
    section_path: Mapped[str] = mapped_column(default="")
    # Paragraphs, with an empty line between two.
    body: Mapped[str]
    # Its own disclaimer; without one the site's is shown.
    disclaimer_id: Mapped[int | None] = mapped_column(ForeignKey("disclaimers.id"))
    created_at: Mapped[datetime]
    # The last change that readers see; caches are told by it.
    changed_at: Mapped[datetime] = mapped_column(index=True)
    closed_at: Mapped[datetime | None]

    disclaimer: Mapped[Disclaimer | None] = relationship(lazy="raise")

    __table_args__ = (Index(None, "section_path", "id"),)


class Comment(Base):
    """What a reader wrote below an article. Whether it is seen stands in its case alone."""

    __tablename__ = "comments"

    id: Mapped[int] = mapped_column(primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("articles.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), unique=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("comments.id"))
    # The top-level comment that it stands below; empty for a top-level comment.
    root_id: Mapped[int | None] = mapped_column(ForeignKey("comments.id"))
    source: Mapped[str]
    # The source as safe HTML: rendered once, when it changes.
    html: Mapped[str]
    # Of the words alone, to notice the same said twice.
    fingerprint: Mapped[str] = mapped_column(String(32))
    disclaimer_id: Mapped[int] = mapped_column(ForeignKey("disclaimers.id"))
    created_at: Mapped[datetime]
    edited_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    # Its words as a search compares them. Triggers bring them to where they are found: once its
    # case is decided, and while it waits.
    terms: Mapped[str] = mapped_column(
        default="", server_default="", deferred=True, deferred_raiseload=True
    )

    article: Mapped[Article] = relationship(lazy="raise")
    author: Mapped[Account] = relationship(lazy="raise")
    case: Mapped[Case] = relationship(lazy="raise")
    parent: Mapped["Comment | None"] = relationship(
        lazy="raise", remote_side=id, foreign_keys=parent_id
    )

    __table_args__ = (
        # A thread's pages begin with top-level comments. PostgreSQL would not take them in order
        # from an index that has root_id before id.
        Index(
            "ix_comments_top_level",
            "article_id",
            "id",
            sqlite_where=text("root_id IS NULL"),
            postgresql_where=text("root_id IS NULL"),
        ),
        Index(None, "root_id", "id"),
        Index(None, "parent_id"),
        Index(None, "author_id", "id"),
        Index(None, "author_id", "article_id", "id"),
        Index(None, "fingerprint", "created_at"),
    )


class Revision(Base):
    """What a comment said before it was edited; the number is that of its case's revision."""

    __tablename__ = "revisions"

    comment_id: Mapped[int] = mapped_column(ForeignKey("comments.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str]
    disclaimer_id: Mapped[int] = mapped_column(ForeignKey("disclaimers.id"))
    created_at: Mapped[datetime]


class Report(Base):
    """A reader's complaint about a comment as worded; closed by the decision that answered it."""

    __tablename__ = "reports"

    id: Mapped[int] = mapped_column(primary_key=True)
    comment_id: Mapped[int] = mapped_column(ForeignKey("comments.id"))
    # The number of the case's revision that was reported.
    revision: Mapped[int]
    reporter_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    reason: Mapped[str] = mapped_column(String(32))
    words: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("decisions.id"))

    reporter: Mapped[Account] = relationship(lazy="raise")

    __table_args__ = (
        UniqueConstraint("comment_id", "revision", "reporter_id"),
        Index(None, "created_at"),
        Index(None, "answered_by_id"),
    )


class Appeal(Base):
    """An author's appeal against a rejection; closed by the decision that answered it."""

    __tablename__ = "appeals"

    id: Mapped[int] = mapped_column(primary_key=True)
    # What it is against. Unique: once for each decision.
    decision_id: Mapped[int] = mapped_column(ForeignKey("decisions.id"), unique=True)
    comment_id: Mapped[int] = mapped_column(ForeignKey("comments.id"), index=True)
    words: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(index=True)
    # A line that approves or rejects answers it; one that edits or deletes leaves it behind.
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("decisions.id"), index=True)

    decision: Mapped[Decision] = relationship(lazy="raise", foreign_keys=decision_id)
    answer: Mapped[Decision | None] = relationship(lazy="raise", foreign_keys=answered_by_id)


class Removal(Base):
    """A rejection as the public log tells it: derived from the decisions log when its day is over.

    The numbers of a day are given in no order, so they tell not which of two came first.
    """

    __tablename__ = "removals"

    id: Mapped[int] = mapped_column(primary_key=True)
    decision_id: Mapped[int] = mapped_column(ForeignKey("decisions.id"), unique=True)
    # In the newsroom's time, as 2026-11 and 2026-11-22.
    month: Mapped[str] = mapped_column(String(7))
    day: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str]
    rule: Mapped[int | None]
    rule_title: Mapped[str]
    # The first part of the article's section.
    section: Mapped[str]
    by: Mapped[str] = mapped_column(String(16))
    found_by: Mapped[str] = mapped_column(String(16))
    # Seconds, from when it was posted or began to wait for a person.
    took: Mapped[int]

    __table_args__ = (Index(None, "month", "id"), Index(None, "month", "section"))


class Month(Base):
    """The figures of a month for the transparency report, up to a day that is over; derived."""

    __tablename__ = "months"

    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    until: Mapped[str] = mapped_column(String(10))
    figures: Mapped[list[list[Any]]] = mapped_column(JSON)
    reckoned_at: Mapped[datetime]


class ApiKey(Base):
    """A key with which a program of others asks for scores. Only its hash is kept."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(primary_key=True)
    # Who uses it, in the operator's words.
    name: Mapped[str]
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    # How many requests it may make in a minute.
    a_minute: Mapped[int]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "uq_api_keys_name",
            "name",
            unique=True,
            sqlite_where=text("revoked_at IS NULL"),
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )


class Suggestion(Base):
    """The scores that the holder of an API key thinks a text should have had."""

    __tablename__ = "suggestions"

    id: Mapped[int] = mapped_column(primary_key=True)
    key_id: Mapped[int] = mapped_column(ForeignKey("api_keys.id"))
    text: Mapped[str]
    # Label names to numbers, 0 to 1; some of the labels.
    scores: Mapped[dict[str, float]] = mapped_column(JSON)
    # The sender's own words for where the text stands and which it is; both may be empty.
    community: Mapped[str]
    token: Mapped[str]
    created_at: Mapped[datetime]

    key: Mapped[ApiKey] = relationship(lazy="raise")

    __table_args__ = (Index(None, "key_id", "token"),)
