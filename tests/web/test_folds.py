"""A copied wave is one row of the queue: seen once, decided at once, taken back as one."""

import re

import pytest
from sqlalchemy import func, select

from forum import accounts, comments
from forum.accounts import Role
from forum.settings import read_settings
from forum.views import View
from moderation import cases, decisions
from moderation.decisions import Kind
from moderation.folds import MOST
from moderation.policy import Status
from moderation.tables import Case, Decision, FoldKey, Place
from tests.people import words

FREE = read_settings(_env_file=None, comments_a_minute=100_000)
SLUG = "the-town-that-argues-about-tea"
OTHER = "The council has voted against the tram line once more, those fools"


def spam(number):
    said = "Earn money from home in your free time, ask me how at my page and tell your friends"
    return (
        f"{said}{'!' * (number % 5)} {'🤑' * (number % 3)} https://pills{number}.example/{number}"
    )


@pytest.fixture
def holds(site, database):
    """Let comments with these words be held; gives their cases."""
    with database.writing() as session:
        author = accounts.sign_up(session, "Ann", password_hash="x")

    def hold(*said):
        found = []
        with database.writing() as session:
            for text in said:
                draft = comments.draft(text, settings=FREE)
                case_id = comments.post(session, SLUG, draft, author=author, settings=FREE).case_id
                decisions.decide(session, case_id, Kind.VERDICT, Status.HELD, version=1)
                found.append(case_id)
        return found

    return hold


@pytest.fixture
def mona(site):
    return site.person("Mona", Role.MODERATOR)


@pytest.fixture
def max_(site):
    return site.person("Max", Role.MODERATOR)


def rows(page):
    """The cases that a page of the queue has as rows."""
    return [int(number) for number in re.findall(r'data-case="(\d+)"', page)]


def form(page, name):
    """The first form of a page that approves or rejects, with what its browser would send."""
    found = next(f for f in re.findall(r"<form.*?</form>", page, re.S) if f'value="{name}"' in f)
    action = re.search(r'action="([^"]*)"', found)
    return action[1], dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', found))


def ends(person, said):
    """On a busy machine the rest of a batch is done behind the answer; here it is gone on with."""
    while said not in person.reads("/review/batches/1"):
        person.sends("/review/batches/1", to="on")


def count(database, status):
    with database.reading() as session:
        query = select(func.count()).select_from(Case).where(Case.status == status)
        return session.scalar(query)


def test_a_wave_of_two_hundred_is_one_row_decided_at_once_and_taken_back_as_one(
    database, holds, mona
):
    wave = holds(*(spam(number) for number in range(200)))
    (other,) = holds(OTHER)
    with database.reading() as session:
        before = dict(session.execute(select(Place.case_id, Place.since)).all())

    page = mona.opens("/review", order="oldest").text

    assert rows(page) == [wave[0], other]
    assert "and 199 like it" in words(page)
    assert "Held 201" in words(page), "the tabs count cases"
    like = re.search(r'href="(/review\?like=\d+)"', page)[1]
    assert "Held 200" in words(mona.opens(like).text)
    assert len(rows(mona.opens(like).text)) == 25

    action, fields = form(page, "approve")
    done = mona.sends(action, to="approve", **fields)

    assert rows(done.text)[-1] == other
    assert "Batch 1 Undo" in words(done.text)
    ends(mona, "Approved 200 comments.")
    assert rows(mona.opens("/review").text) == [other]
    assert count(database, Status.PUBLISHED) == 200
    with database.reading() as session:
        lines = session.scalars(select(Decision).where(Decision.kind == Kind.APPROVE)).all()
        assert len(session.scalars(select(FoldKey.fold).distinct()).all()) == 1
    assert {line.batch_id for line in lines} == {1}

    undo = re.search(r'action="(/review/batches/1/undo)".*?value="(\d+)"', done.text, re.S)
    back = mona.sends(undo[1], case=undo[2])

    assert back.url.path == f"/review/cases/{wave[0]}"
    ends(mona, "Taken back: 200 comments.")
    assert "and 199 like it" in mona.reads("/review", order="oldest")
    with database.reading() as session:
        assert dict(session.execute(select(Place.case_id, Place.since)).all()) == before


def test_what_changed_since_the_page_came_is_left_out_and_told(database, holds, mona, max_):
    wave = holds(*(spam(number) for number in range(6)))
    page = mona.opens("/review", order="oldest").text
    like = re.search(r'href="(/review\?like=\d+)"', page)[1]
    # One is decided by itself, one is edited, one comes later, and one is open elsewhere.
    action, fields = form(max_.opens(like + "&order=oldest").text.split("data-case")[2], "approve")
    max_.sends(action, to="approve", **fields)
    with database.writing() as session:
        cases.reopen(session, session.get_one(Case, wave[2]), "Kinder words.")
    (late,) = holds(spam(7))
    max_.opens(f"/review/cases/{wave[3]}", like=like.rpartition("=")[2])
    assert "Max has it until" in mona.case_of("Earn money").text

    action, fields = form(page, "reject")
    answer = mona.client.post(
        action,
        data={"to": "reject", "reason": "spam", **fields},
        headers={"origin": mona.site.settings.address, "accept": "application/json"},
    ).json()

    assert answer["words"].startswith("Rejected 3 comments. 3 had changed meanwhile")
    assert count(database, Status.REJECTED) == 3
    with database.reading() as session:
        assert [session.get_one(Case, one).status for one in (wave[1], wave[3], late)] == [
            Status.PUBLISHED,
            Status.HELD,
            Status.HELD,
        ]


def test_who_has_one_of_a_fold_has_all_and_a_stale_form_decides_nothing(
    database, holds, mona, max_
):
    holds(*(spam(number) for number in range(3)))
    (other,) = holds(OTHER)
    page = mona.opens("/review/next", order="oldest")

    assert "This comment and 2 like it wait" in words(page.text)
    assert max_.opens("/review/next", order="oldest").url.path == f"/review/cases/{other}"

    max_.opens("/review/cases/1")
    max_.sends(f"/review/cases/{other}/leave")
    action, fields = form(page.text, "approve")
    onward = mona.sends(action, to="approve", **fields)
    assert onward.url.path == f"/review/cases/{other}"
    assert "Approved 3 comments. Batch 1 Undo" in words(onward.text)
    answer = mona.sends(action, to="approve", **fields)
    assert answer.status_code == 409
    assert "was faster" in words(answer.text)


def test_with_a_case_that_is_in_no_fold_no_other_is_decided(database, holds, mona):
    first, second = holds(OTHER, "Another one of those, and in other words than the first")
    with database.writing() as session:
        for case_id in (first, second):
            session.get_one(Place, case_id).fold = None
    answer = mona.sends(f"/review/cases/{first}", to="approve", version=2, seen=99, many=2)
    assert "Approved 1 comment." in words(answer.text)
    assert count(database, Status.HELD) == 1


def test_the_worst_of_a_fold_stands_for_it_below_every_filter(database, holds, mona):
    wave = holds(*(spam(number) for number in range(4)))
    with database.writing() as session:
        place = session.get_one(Place, wave[2])
        place.urgency, place.insult = 9.0, 0.9
    assert rows(mona.opens("/review").text) == [wave[2]]
    assert rows(mona.opens("/review", most="0.5", everything="1").text) != [wave[2]]
    assert rows(mona.opens("/review", label="insult", least="0.8").text) == [wave[2]]


def test_ticking_a_row_chooses_all_that_it_stands_for(holds, mona):
    wave = holds(*(spam(number) for number in range(4)))
    page = mona.sends("/review/batches", which="chosen", **{f"case-{wave[3]}": 2})
    assert "Decide 4 comments together" in words(page.text)


def test_a_larger_wave_begins_another_row(database, holds, mona, monkeypatch):
    monkeypatch.setattr("moderation.folds.MOST", 5)
    assert MOST == 500
    wave = holds(*(spam(number) for number in range(12)))
    assert rows(mona.opens("/review", order="oldest").text) == [wave[0], wave[5], wave[10]]


def test_pages_of_folds_follow_one_another(database, holds, mona):
    names = [f"{a}{b}" for a in "abcdefg" for b in "klmnop"]
    said = [f"Dear {name} people of {name * 2}, this is {name * 3} nonsense" for name in names[:30]]
    holds(*(f"{text} {number}" for number in range(3) for text in said))
    page = mona.opens("/review", order="oldest").text
    first = rows(page)
    more = re.search(r'href="([^"]*)" rel="next"', page)[1].replace("&amp;", "&")
    second = rows(mona.opens(more).text)
    assert (len(first), len(second)) == (25, 5)
    assert not set(first) & set(second)


def test_like_is_a_number_or_nothing(mona):
    assert mona.opens("/review", like="x").status_code == 404
    assert "Nothing matches" in words(mona.opens("/review", like="1").text)
    assert View(like="1").asked == {"like": "1"}
