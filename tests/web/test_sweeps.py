"""A sweep: random draws are decided one by one, and prove that the rest may be approved."""

import pytest
from sqlalchemy import func, select

from forum import accounts, comments, sweeps
from forum.accounts import Role
from forum.errors import Changed, Invalid
from forum.settings import read_settings
from moderation import decisions
from moderation.decisions import Kind
from moderation.policy import Status
from moderation.tables import Batch, Case, Decision, Place, SweepCase
from tests.people import words

FREE = read_settings(_env_file=None, comments_a_minute=100_000)
SLUG = "the-town-that-argues-about-tea"
BAND = {"label": "insult", "least": "0.6", "most": "0.7"}


@pytest.fixture
def holds(site, database):
    """Let so many comments be held with a score of their insult; gives their cases."""
    with database.writing() as session:
        author = accounts.sign_up(session, "Ann", password_hash="x")

    def hold(many, insult=0.65):
        found = []
        with database.writing() as session:
            first = session.scalar(select(func.count()).select_from(Case))
            for number in range(first, first + many):
                draft = comments.draft(f"You fool number {number}.", settings=FREE)
                case_id = comments.post(session, SLUG, draft, author=author, settings=FREE).case_id
                decisions.decide(session, case_id, Kind.VERDICT, Status.HELD, version=1)
                session.get_one(Place, case_id).insult = insult
                found.append(case_id)
        return found

    return hold


@pytest.fixture
def mona(site):
    return site.person("Mona", Role.MODERATOR)


@pytest.fixture
def loose(site, database):
    """Terms by which few draws are enough: 30 % and 80 % certain."""
    ada = site.person("Ada", Role.ADMIN)
    answer = ada.sends("/admin/sweeps", limit="30", certainty="80", based_on="0")
    assert "Saved" in words(answer.text)
    return ada


def drawn(database, sweep_id=1):
    with database.reading() as session:
        sweep = sweeps.standing(session, sweep_id).sweep
        query = select(SweepCase.case_id).where(
            SweepCase.sweep_id == sweep_id, SweepCase.position <= sweep.drawn
        )
        return list(session.scalars(query.order_by(SweepCase.position)))


def decides(person, case_id, to="approve", version=2, **fields):
    return person.sends(f"/review/cases/{case_id}", to=to, version=version, **fields)


def status(database):
    with database.reading() as session:
        rows = session.execute(select(Case.status, func.count()).group_by(Case.status)).all()
    return dict(rows)


def test_clean_draws_unlock_the_rest_which_is_approved_as_one_batch(database, holds, mona, loose):
    holds(30)
    (outside,) = holds(1, insult=0.9)
    page = mona.sends("/review/sweeps", **BAND)
    (late,) = holds(1)
    draws = drawn(database)
    assert 3 < len(draws) < 15
    assert len(set(draws)) == len(draws)
    assert "Approve all the rest" not in words(page.text)
    assert mona.sends(page.url.path, to="rest").status_code == 422

    # The ordinary case page leads through them.
    case = mona.opens("/review/next", sweep="1")
    assert "Case" in words(case.text)
    assert int(case.url.path.rpartition("/")[2]) in draws
    for case_id in draws:
        decides(mona, case_id)

    page = words(mona.opens("/review/sweeps/1").text)
    assert "Proved" in page
    assert f"a draw of {len(draws)} would hold 0 of them or fewer in at most 10 %" in page
    preview = mona.sends("/review/sweeps/1", to="rest")
    assert f"Decide {30 - len(draws)} comments together" in words(preview.text)
    assert mona.sends(preview.url.path, to="reject", reason="spam").status_code == 422
    done = mona.sends(preview.url.path, to="approve")

    # A busy machine does what is left of it behind the answer.
    while f"Approved {30 - len(draws)} comments." not in words(mona.opens(done.url.path).text):
        continue
    assert status(database) == {Status.PUBLISHED: 30, Status.HELD: 2}
    with database.reading() as session:
        held = set(session.scalars(select(Case.id).where(Case.status == Status.HELD)))
        assert session.scalars(select(Batch)).one().sweep_id == 1
    assert held == {outside, late}, "what came later, and what lies outside, is no part"


def test_a_rejection_among_the_draws_asks_for_more_of_them(database, holds, mona, loose):
    holds(40)
    mona.sends("/review/sweeps", **BAND)
    first = drawn(database)
    for case_id in first[1:]:
        decides(mona, case_id)
    decides(mona, first[0], "reject", reason="harassment")

    page = words(mona.opens("/review/sweeps/1").text)
    assert "It is not proved." in page
    assert mona.sends("/review/sweeps/1", to="rest").status_code == 422
    mona.sends("/review/sweeps/1", to="draw")

    more = drawn(database)
    assert more[: len(first)] == first, "drawn on, not anew"
    for case_id in more[len(first) :]:
        decides(mona, case_id)
    assert "Proved" in words(mona.opens("/review/sweeps/1").text)

    # Taken back, a decision proves nothing any more, not even for a draft.
    draft = mona.sends("/review/sweeps/1", to="rest")
    with database.reading() as session:
        line = session.scalar(select(func.max(Decision.id)).where(Decision.kind == Kind.APPROVE))
    mona.sends(f"/review/decisions/{line}/undo")
    assert mona.sends(draft.url.path, to="approve").status_code == 422


def test_what_its_author_took_back_counts_against_the_band(database, holds, mona, loose):
    holds(40)
    mona.sends("/review/sweeps", **BAND)
    first = drawn(database)
    with database.writing() as session:
        gone = session.get_one(Case, first[0])
        decisions.decide(session, gone.id, Kind.WITHDRAW, version=2, actor=gone.author)
        now = sweeps.standing(session, 1)
    assert (now.lost, now.against, now.to_decide) == (1, 1, len(first) - 1)
    assert "cannot unlock here any more" in words(mona.opens("/review/sweeps/1").text)


def test_the_draws_can_be_made_again_from_the_seed(database, holds, mona):
    import random

    case_ids = holds(25)
    mona.sends("/review/sweeps", **BAND)
    with database.reading() as session:
        seed = sweeps.standing(session, 1).sweep.seed
        rows = session.execute(select(SweepCase.case_id, SweepCase.position)).all()
    assert dict(rows) == dict(
        zip(case_ids, random.Random(seed).sample(range(1, 26), 25), strict=True)
    )


def test_terms_are_set_by_admins_and_kept_by_sweeps_that_run(database, site, holds, mona, loose):
    holds(5)
    mona.sends("/review/sweeps", **BAND)
    assert loose.sends("/admin/sweeps", limit="1", certainty="99", based_on="0").status_code == 409
    loose.sends("/admin/sweeps", limit="1", certainty="99", based_on="1")
    with database.reading() as session:
        terms = sweeps.terms(session)
        assert (terms.limit, terms.error, terms.version) == (0.01, pytest.approx(0.01), 2)
        assert sweeps.standing(session, 1).sweep.limit == 0.3
    for limit, certainty in (("0", "95"), ("x", "95"), ("nan", "95"), ("2", "100")):
        answer = loose.sends("/admin/sweeps", limit=limit, certainty=certainty, based_on="2")
        assert answer.status_code == 422
    assert mona.opens("/admin/sweeps").status_code == 403


@pytest.mark.parametrize(
    "typed",
    [
        {"label": "", "least": "0.1", "most": "0.2"},
        {"label": "insult", "least": "0.8", "most": "0.2"},
        {"label": "insult", "least": "x", "most": "0.2"},
        {"label": "insult", "least": "nan", "most": "inf"},
        {"label": "insult", "least": "0.1", "most": "0.2"},
    ],
)
def test_a_band_that_is_none_is_refused_in_words(mona, typed):
    answer = mona.sends("/review/sweeps", **typed)
    assert answer.status_code == 422
    assert "Please look at this again" in words(answer.text)


def test_what_is_not_there_is_not_there(database, mona, holds):
    assert mona.opens("/review/sweeps/7").status_code == 404
    assert mona.sends("/review/sweeps/7", to="draw").status_code == 404
    assert mona.opens("/review", sweep="x").status_code == 404
    holds(3)
    mona.sends("/review/sweeps", **BAND)
    assert mona.sends("/review/sweeps/1", to="draw").status_code == 409
    with database.writing() as session:
        with pytest.raises(Changed):
            sweeps.draw_more(session, 1)
        with pytest.raises(Invalid):
            sweeps.check(session, 1)
