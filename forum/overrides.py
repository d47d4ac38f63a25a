"""Thresholds of single places over the site's: set, taken away, and what holds for an article."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from forum.accounts import Viewer
from forum.tables import Article
from moderation import acts, differences, policies
from moderation.acts import Did
from moderation.policy import Override, Policy, Scope, Where
from moderation.predictions import Prediction
from moderation.tables import PolicyVersion, time_of


def with_one(policy: Policy, override: Override) -> Policy:
    """Return a policy with these thresholds of a place, in place of those that it had there."""
    others = [one for one in policy.overrides if one.precedence != override.precedence]
    return replace(policy, overrides=[*others, override])


def put(
    session: Session,
    override: Override,
    *,
    author: Viewer,
    note: str,
    based_on: int,
    prediction: Prediction | None = None,
    fairness: Mapping[str, Any] | None = None,
) -> PolicyVersion:
    """Set thresholds of a place, as a new version. Raises PolicyChanged, InvalidPolicy.

    Those that have ended are left out of it; they stay in the versions that had them. `fairness` is
    what `harmless.accepted` said of it.
    """
    now = time_of(session)
    policy = with_one(policies.in_force(session).policy.at(now), override)
    version = _adopt(session, policy, author, note, based_on, prediction, fairness)
    words = f"For {override.place}: {differences.spelt(override.thresholds)}."
    if override.until is not None:
        words += f" Until {override.until:%Y-%m-%d %H:%M} UTC."
    acts.record(session, Did.PLACE, actor=author.id, words=words)
    return version


def without(policy: Policy, number: int) -> tuple[Policy, Override] | None:
    """Return a policy without the place of this number in its order, and that; None without one."""
    if number >= len(policy.overrides):
        return None
    gone = policy.overrides[number]
    return replace(policy, overrides=[one for one in policy.overrides if one is not gone]), gone


def take_away(
    session: Session,
    number: int,
    *,
    author: Viewer,
    based_on: int,
    fairness: Mapping[str, Any] | None = None,
) -> PolicyVersion | None:
    """Let the site's thresholds hold again at the place of this number in a version's order.

    Returns None where there is none of that number. Raises PolicyChanged.
    """
    current = policies.in_force(session)
    if current.id != based_on:
        raise policies.PolicyChanged(current.id)
    found = without(current.policy, number)
    if found is None:
        return None
    left, gone = found
    note = f"No thresholds any more for {gone.place}."
    policy = left.at(time_of(session))
    version = _adopt(session, policy, author, note, based_on, fairness=fairness)
    acts.record(session, Did.NO_PLACE, actor=author.id, words=f"For {gone.place}.")
    return version


def _adopt(
    session: Session,
    policy: Policy,
    author: Viewer,
    note: str,
    based_on: int,
    prediction: Prediction | None = None,
    fairness: Mapping[str, Any] | None = None,
) -> PolicyVersion:
    return policies.adopt(
        session,
        policy,
        author=author.id,
        note=note,
        based_on=based_on,
        prediction=None if prediction is None else prediction.to_json(),
        fairness=fairness,
    )


@dataclass(frozen=True)
class Spot:
    """An article as the policy sees it, and its title."""

    title: str
    slug: str
    scope: Scope


def spot(session: Session, slug: str) -> Spot | None:
    """Return where comments on an article stand now; None where there is none of that name."""
    article = session.scalar(select(Article).where(Article.slug == slug))
    if article is None:
        return None
    now = time_of(session)
    older = max((now - article.created_at).days, 0)
    return Spot(article.title, article.slug, Scope(article.section_path, article.id, older, 0, now))


def slugs(session: Session, overrides: Collection[Override]) -> dict[int, str]:
    """Return the names in addresses of the articles that have thresholds of their own."""
    ids = [one.value for one in overrides if one.where is Where.CONTEXT]
    rows = session.execute(select(Article.id, Article.slug).where(Article.id.in_(ids)))
    return dict(rows.all())


def by_article(session: Session, articles: Sequence[Article]) -> Mapping[int, Sequence[Override]]:
    """Return which thresholds of places hold for comments on each article now."""
    running, now = policies.places(session), time_of(session)
    found = {}
    for article in articles:
        older = max((now - article.created_at).days, 0)
        scope = Scope(article.section_path, article.id, older, 0, now)
        found[article.id] = [one for one in running if one.covers(scope)]
    return found
