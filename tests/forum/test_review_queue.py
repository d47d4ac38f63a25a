"""The review queue below the pages: who gets which case, in which order, each once."""

import threading
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, true

from forum import accounts, articles, comments, review, views
from forum.accounts import Role
from forum.articles import ArticleText
from forum.errors import Changed
from forum.settings import read_settings
from forum.tables import Account, Comment
from forum.views import Order, Show, View
from moderation import cases, decisions, lineup, review_queue, urgency
from moderation.decisions import Kind
from moderation.policy import Finding, Status
from moderation.tables import Case, Claim, Decision, Place, Score, time_of
from moderation.urgency import Weights, WeightsChanged
from tests.people import TEA

FREE = read_settings(_env_file=None, comments_a_minute=100_000)
SLUG = "the-town-that-argues-about-tea"
OLDEST = View(order=Order.OLDEST)
COFFEE = ArticleText("coffee.txt", "Coffee", "Life / Drinks", "Black.", None)
FIVE_MINUTES = timedelta(minutes=5)


@pytest.fixture
def holds(database):
    """Let so many comments be held; gives their cases, oldest first."""
    with database.writing() as session:
        articles.store(session, TEA)
        author = accounts.sign_up(session, "Ann", password_hash="x")

    def hold(many):
        with database.writing() as session:
            found = []
            for number in range(many):
                draft = comments.draft(f"You idiot number {number}.", settings=FREE)
                case_id = comments.post(session, SLUG, draft, author=author, settings=FREE).case_id
                decisions.decide(session, case_id, Kind.VERDICT, Status.HELD, version=1)
                found.append(case_id)
            return found

    return hold


@pytest.fixture
def people(database):
    """Twelve moderators."""
    with database.writing() as session:
        found = [accounts.sign_up(session, f"Mona {n}", password_hash="x") for n in range(12)]
        for account in found:
            account.role = Role.MODERATOR.value
        session.flush()
        return found


def picks(database, moderator, **where):
    with database.writing() as session:
        return review.pick(session, OLDEST, moderator=moderator, lasts=FIVE_MINUTES, **where)


def test_twelve_people_at_one_queue_of_a_thousand_decide_each_case_once(database, holds, people):
    held = holds(1000)
    gate, refused = threading.Barrier(12), Counter()

    def moderate(moderator):
        gate.wait()
        while (case_id := picks(database, moderator)) is not None:
            with database.reading() as session:
                version = session.get_one(Case, case_id).version
            try:
                with database.writing() as session:
                    review.approve(session, case_id, version=version, moderator=moderator)
            except Changed:
                refused[case_id] += 1

    threads = [threading.Thread(target=moderate, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with database.reading() as session:
        decided = session.execute(
            select(Decision.case_id, func.count())
            .where(Decision.kind == Kind.APPROVE)
            .group_by(Decision.case_id)
        ).all()
        assert dict(decided) == dict.fromkeys(held, 1)
        assert session.scalar(select(func.count()).select_from(Claim)) == 0
    assert not refused, "who holds a case is never second"


def test_twelve_people_who_look_at_the_same_list_decide_each_case_once(database, holds, people):
    held = holds(100)
    gate, recorded, refused = threading.Barrier(12), [], []

    def moderate(moderator):
        gate.wait()
        for case_id in held:
            try:
                with database.writing() as session:
                    review.approve(session, case_id, version=2, moderator=moderator)
                recorded.append(case_id)
            except Changed as problem:
                assert "was faster and approved this comment" in problem.message
                refused.append(case_id)

    threads = [threading.Thread(target=moderate, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(recorded) == held
    assert len(refused) == 11 * len(held)


def test_next_skips_what_another_has_open(database, holds, people):
    first, second, third = holds(3)
    mona, max_, *_ = people

    assert picks(database, mona) == first
    assert picks(database, max_) == second
    with database.reading() as session:
        place = review.open_file(session, first, OLDEST).reviewed.place
    assert picks(database, mona, after=place) == third
    assert picks(database, max_) == first, "going on lets others have what was left"
    assert picks(database, mona, before=place) == second, "nothing free stands before the first"


def test_a_claim_ends_by_decision_by_leaving_and_by_time(database, holds, people, clock):
    first, second = holds(2)
    mona, max_, *_ = people

    picks(database, mona)
    with database.writing() as session:
        review.approve(session, first, version=2, moderator=mona)
        assert session.scalar(select(func.count()).select_from(Claim)) == 0

    assert picks(database, mona) == second
    assert picks(database, max_) is None
    clock.turn(minutes=6)
    assert picks(database, max_) == second
    assert picks(database, mona) is None
    with database.writing() as session:
        review.leave(session, second, moderator=mona)
    assert picks(database, mona) is None, "nobody leaves for another"
    with database.writing() as session:
        review.leave(session, second, moderator=max_)
    assert picks(database, mona) == second


def queue(database, moderator, view, **where):
    """The numbers of the cases on a page of the queue."""
    with database.reading() as session:
        page = review.queue(session, view, moderator=moderator, **where)
        return [reviewed.case.id for reviewed in page.cases]


@pytest.fixture
def weigh(database, holds):
    """Let a comment be held with these scores, or for these findings; gives its case."""

    def hold(*codes, author="Ann", article=TEA, by=0, **scores):
        with database.writing() as session:
            articles.store(session, article)
            writer = session.scalar(select(Account).where(Account.name == author))
            writer = writer or accounts.sign_up(session, author, password_hash="x")
            draft = comments.draft(f"Held for {codes} {scores} {by}", settings=FREE)
            slug = articles.slugify(article.title)
            case_id = comments.post(session, slug, draft, author=writer, settings=FREE).case_id
            classifier = lineup.row_of(session, "scales", "1")
            session.add(
                Score(
                    case_id=case_id,
                    revision=1,
                    classifier_id=classifier,
                    scored_at=time_of(session),
                    **scores,
                )
            )
            decisions.decide(
                session,
                case_id,
                Kind.VERDICT,
                Status.HELD,
                version=1,
                classifier=classifier,
                findings=[Finding(code) for code in codes],
            )
            return case_id

    return hold


def reports(database, case_id, many):
    with database.writing() as session:
        comment = session.scalars(select(Comment).where(Comment.case_id == case_id)).one()
        case = session.get_one(Case, case_id)
        review.approve(session, case_id, version=case.version, moderator=comment)
        for number in range(many):
            reporter = accounts.sign_up(session, f"Reporter {case_id} {number}", password_hash="x")
            session.flush()
            comments.report(session, comment.id, reporter=reporter, reason="hate", words="")


def test_what_harms_most_comes_first(database, weigh, people):
    rude = weigh(toxicity=0.9, insult=0.3)
    threat = weigh(toxicity=0.5, threat=0.4)
    mild = weigh(toxicity=0.4)
    unknown = weigh("scoring_failed")

    assert queue(database, people[0], View()) == [threat, unknown, rude, mild]


def test_reports_and_readers_raise_a_case(database, weigh, people):
    first, second, third = (weigh(toxicity=p) for p in (0.5, 0.4, 0.3))
    for case_id, many in ((first, 1), (second, 1), (third, 4)):
        reports(database, case_id, many)
    reported = View(show=Show.REPORTED)
    assert queue(database, people[0], reported) == [third, first, second]


def test_readers_of_a_thread_raise_its_cases_and_lower_them_when_they_go(
    database, weigh, people, clock
):
    quiet = weigh(toxicity=0.5)
    busy = weigh(toxicity=0.4, article=COFFEE)
    assert queue(database, people[0], View()) == [quiet, busy]

    with database.writing() as session:
        coffee = articles.find(session, "coffee")
        review_queue.count_readers(session, "here", {coffee.id: 3})
        assert review_queue.is_behind(session)
        review_queue.catch_up(session)
        assert not review_queue.is_behind(session)
    assert queue(database, people[0], View()) == [busy, quiet]
    another = weigh(toxicity=0.49, article=COFFEE)
    assert queue(database, people[0], View())[0] == another, "who comes later finds them there"

    clock.turn(minutes=3)
    with database.writing() as session:
        review_queue.catch_up(session)
    assert queue(database, people[0], View()) == [quiet, another, busy]


def test_nothing_starves_beyond_the_age_limit_the_oldest_comes_first(
    database, weigh, people, clock
):
    mild = weigh(toxicity=0.1)
    clock.turn(hours=2)
    milder = weigh(toxicity=0.05)
    clock.turn(hours=22.5)
    grave = weigh(threat=0.9)
    with database.writing() as session:
        review_queue.catch_up(session)
    assert queue(database, people[0], View()) == [mild, grave, milder]
    clock.turn(hours=24)
    with database.writing() as session:
        review_queue.catch_up(session)
    assert queue(database, people[0], View()) == [mild, milder, grave]


def test_an_admin_weighs_anew_and_the_whole_queue_follows(database, weigh, people):
    rude, foul = weigh(insult=0.6), weigh(obscene=0.5)
    assert queue(database, people[0], View()) == [rude, foul]

    with database.writing() as session:
        weights = Weights(labels=dict(Weights().labels) | {"obscene": 5.0})
        urgency.adopt(session, weights, author=1, based_on=0)
        review_queue.reckon(session, true())
    assert queue(database, people[0], View()) == [foul, rude]
    with database.writing() as session, pytest.raises(WeightsChanged):
        urgency.adopt(session, Weights(), author=2, based_on=0)


def test_filters_combine(database, weigh, people, clock):
    old = weigh("above_hold", toxicity=0.6)
    clock.turn(hours=7)
    by_ben = weigh("link", toxicity=0.5, author="Ben")
    coffee = weigh("above_hold", "link", insult=0.7, article=COFFEE)
    mona = people[0]

    assert queue(database, mona, View(section="life")) == [coffee, old, by_ben]
    assert queue(database, mona, View(section="life/drinks")) == [coffee]
    assert queue(database, mona, View(article="coffee", author="Ben")) == []
    assert queue(database, mona, View(author="ben")) == [by_ben]
    assert queue(database, mona, View(least=0.55)) == [coffee, old]
    assert queue(database, mona, View(label="toxicity", least=0.55, most=0.65)) == [old]
    assert queue(database, mona, View(held_for="link")) == [coffee, by_ben]
    assert queue(database, mona, View(held_for="score", section="life/food")) == [old]
    assert queue(database, mona, View(age="6")) == [old]
    assert queue(database, mona, View(reported=True)) == []
    assert queue(database, mona, View(mine=True)) == []
    with database.writing() as session:
        made = review.approve(session, old, version=2, moderator=mona)
        review.undo(session, made.id, moderator=mona)
    assert queue(database, mona, View(mine=True)) == [old]
    assert queue(database, people[1], View(mine=True)) == []


@pytest.mark.parametrize("order", list(Order))
def test_pages_follow_one_another_and_lead_back(database, weigh, people, order):
    everything = {weigh(toxicity=n % 7 / 10, by=n) for n in range(60)}
    view, seen, place = View(order=order), [], ""
    while True:
        with database.reading() as session:
            page = review.queue(session, view, moderator=people[0], after=place)
        seen += page.cases
        if not page.next:
            break
        place = page.next
    ids = [reviewed.case.id for reviewed in seen]
    assert len(ids) == 60
    assert set(ids) == everything
    with database.writing() as session:
        before = review.pick(
            session, view, moderator=people[0], lasts=FIVE_MINUTES, before=seen[30].place
        )
    assert before == ids[29]


def test_an_old_section_is_found_among_many_newer_cases(database, weigh, people, monkeypatch):
    monkeypatch.setattr(views, "_NEAR", 2)
    mona = people[0]
    found = [weigh(toxicity=0.5, by=n) for n in range(6)]
    with database.writing() as session:
        session.get_one(Case, found[5]).context = 10_000
        session.get_one(Case, found[4]).context = 10_000
        for case_id in found:
            review.approve(session, case_id, version=2, moderator=mona)
    view = View(show=Show.PUBLISHED, section="life")
    assert queue(database, mona, view) == found[3::-1]
    with database.reading() as session:
        behind = views.look(session, view, viewer=mona.id, at_most=2, after=str(found[3]))
        before = views.look(session, view, viewer=mona.id, at_most=2, before=str(found[1]))
    assert list(behind.case_ids) == [found[2], found[1]]
    assert list(before.case_ids) == [found[2], found[3]]


@pytest.mark.parametrize("order", list(Order))
def test_a_page_is_read_off_an_index(database, weigh, people, order):
    with database.reading() as session:
        wanted = views.cases_of(session, View(order=order), viewer=1, after=AFTER[order])
        sql = wanted.limit(26).compile(session.connection(), compile_kwargs={"literal_binds": True})
        explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
        if not database.is_sqlite:
            # An empty table is read whole, and rightly so.
            session.execute(text("SET LOCAL enable_seqscan = off"))
            session.execute(text("SET LOCAL enable_bitmapscan = off"))
            session.execute(text("SET LOCAL enable_sort = off"))
        plan = "\n".join(str(row) for row in session.execute(text(f"{explain} {sql}")))
    index = "urgency" if order is Order.HARM else "since"
    assert f"ix_places_status_{index}_case_id" in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


AFTER = {
    Order.HARM: "0.5~7",
    Order.OLDEST: "2026-11-22T12:00:00+00:00~7",
    Order.NEWEST: "2026-11-22T12:00:00+00:00~7",
}


def test_places_are_those_of_the_cases_that_wait_whatever_happens(database, weigh, people):
    mona = people[0]
    held, approved, rejected, reported, edited = (weigh(toxicity=0.5, by=n) for n in range(5))
    with database.writing() as session:
        review.approve(session, approved, version=2, moderator=mona)
        made = review.reject(session, rejected, version=2, moderator=mona, reason="spam", words="")
        review.undo(session, made.id, moderator=mona)
    reports(database, reported, 2)
    reports(database, edited, 1)
    with database.writing() as session:
        cases.reopen(session, session.get_one(Case, edited), "Kinder words.")
    assert places(database) == {held: 0, rejected: 0, reported: 2, edited: 1}
    with database.writing() as session:
        cases.withdraw(session, session.get_one(Case, held))
        case = session.get_one(Case, edited)
        decisions.decide(session, edited, Kind.VERDICT, Status.PUBLISHED, version=case.version)
        case = session.get_one(Case, reported)
        made = review.approve(session, reported, version=case.version, moderator=mona)
    assert places(database) == {rejected: 0, edited: 1}
    with database.writing() as session:
        review.undo(session, made.id, moderator=mona)
    assert places(database) == {rejected: 0, edited: 1, reported: 2}
    with database.reading() as session:
        assert views.counts(session, View(), viewer=mona.id) == {
            Show.HELD: 1,
            Show.REPORTED: 2,
            Show.APPEALS: 0,
        }
        assert set(session.scalars(select(Place.case_id))) == set(
            session.scalars(
                select(Case.id).where(Case.waiting_since.is_not(None), Case.withdrawn_at.is_(None))
            )
        )


def places(database):
    with database.reading() as session:
        return dict(session.execute(select(Place.case_id, Place.reports)).all())
