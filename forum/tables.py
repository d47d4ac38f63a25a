"""The tables of the forum: accounts, articles, comments, reports, disclaimers."""

from datetime import datetime

from sqlalchemy import Boolean, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from moderation.tables import Base, Case


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
    )


class Revision(Base):
    """A comment's words at a time; the number is that of its case's revision."""

    __tablename__ = "revisions"

    comment_id: Mapped[int] = mapped_column(ForeignKey("comments.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str]
    disclaimer_id: Mapped[int] = mapped_column(ForeignKey("disclaimers.id"))
    created_at: Mapped[datetime]


class Report(Base):
    """A reader's complaint about a comment; closed by the decision that answered it."""

    __tablename__ = "reports"

    id: Mapped[int] = mapped_column(primary_key=True)
    comment_id: Mapped[int] = mapped_column(ForeignKey("comments.id"))
    reporter_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    reason: Mapped[str] = mapped_column(String(32))
    words: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("decisions.id"))

    reporter: Mapped[Account] = relationship(lazy="raise")

    __table_args__ = (UniqueConstraint("comment_id", "reporter_id"),)
