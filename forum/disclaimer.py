"""The disclaimer shown with every thread: the article's own if it has one, else the site's."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from forum.errors import Changed, Invalid
from forum.tables import Article, Disclaimer
from moderation.tables import time_of

DEFAULT = (
    "Comments are the opinions of the people who wrote them and not necessarily those of"
    " `{site_name}`."
)
LONGEST = 2000


def start(session: Session, site_name: str) -> None:
    """Give a site that has no disclaimer yet the default one."""
    if session.scalar(select(Disclaimer.id).where(Disclaimer.for_site).limit(1)) is None:
        session.add(
            Disclaimer(
                text=DEFAULT.format(site_name=site_name),
                for_site=True,
                created_at=time_of(session),
            )
        )


def of_site(session: Session) -> Disclaimer:
    """Return the site's disclaimer in force. Raises LookupError on a site never set up."""
    found = session.scalar(_IN_FORCE)
    if found is None:
        raise LookupError("No disclaimer yet: run 'forum migrate'.")
    return found


_IN_FORCE = (
    select(Disclaimer)
    .where(Disclaimer.for_site)
    .order_by(Disclaimer.id.desc())
    .limit(1)
    .options(joinedload(Disclaimer.author))
)


# As part of another statement.
NEWEST_OF_SITE = select(func.max(Disclaimer.id)).where(Disclaimer.for_site).scalar_subquery()


def of_article(session: Session, article: Article) -> Disclaimer:
    """Return what is shown with this article's thread. There is always one."""
    if article.disclaimer_id is not None:
        return session.get_one(Disclaimer, article.disclaimer_id)
    return of_site(session)


def versions(session: Session) -> list[Disclaimer]:
    """Return the site's disclaimers, newest first, with their authors."""
    return list(
        session.scalars(
            select(Disclaimer)
            .where(Disclaimer.for_site)
            .order_by(Disclaimer.id.desc())
            .options(joinedload(Disclaimer.author))
        )
    )


def change(session: Session, text: str, *, author_id: int, based_on: int) -> Disclaimer:
    """Put a new wording in force. Raises Changed when `based_on` is not the one in force."""
    text = text.strip()
    if not text:
        raise Invalid(
            "The disclaimer cannot be empty: it is shown with every thread.", field="text"
        )
    if len(text) > LONGEST:
        raise Invalid(f"The disclaimer may have {LONGEST} characters at most.", field="text")
    # Admins take turns, so that of two at once the second is told.
    session.execute(select(Disclaimer.id).where(Disclaimer.id == based_on).with_for_update())
    current = of_site(session)
    if current.id != based_on:
        raise Changed("Another admin changed the disclaimer while you were writing.", field="text")
    if current.text == text:
        return current
    new = Disclaimer(text=text, for_site=True, author_id=author_id, created_at=time_of(session))
    session.add(new)
    session.flush()
    return new
