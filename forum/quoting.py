"""What a comment may quote: the article it stands below, and the comment that it answers."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from forum import marking
from forum.tables import Article, Comment
from moderation.policy import Status
from moderation.quotes import Quotable
from moderation.tables import Case

# Made once: an alias takes longer to make than its statement to run.
_Parent, _Answered = aliased(Comment), aliased(Case)


def quotables(session: Session, case_ids: Sequence[int]) -> Mapping[int, Quotable]:
    """Return for each case what its comment may quote, and where its author marked a quote.

    A comment that readers do not see cannot be quoted.
    """
    if not case_ids:
        return {}
    comments = session.execute(
        select(Comment.case_id, Comment.article_id, Comment.html, _Answered.text)
        .outerjoin(_Parent, _Parent.id == Comment.parent_id)
        .outerjoin(
            _Answered,
            (_Answered.id == _Parent.case_id)
            & (_Answered.status == Status.PUBLISHED)
            & _Answered.withdrawn_at.is_(None),
        )
        .where(Comment.case_id.in_(case_ids))
    ).all()
    articles = {
        article.id: (article.title, article.body)
        for article in session.execute(
            select(Article.id, Article.title, Article.body).where(
                Article.id.in_({comment.article_id for comment in comments})
            )
        )
    }
    return {
        case_id: Quotable([*articles[article_id], *([said] if said else [])], marking.quotes(html))
        for case_id, article_id, html, said in comments
    }
