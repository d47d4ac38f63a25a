"""Search over comments, as moderators use it: what is found, where, and whatever they type."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import text

from forum import search, views
from forum.accounts import Role
from forum.search import Search
from forum.tables import Comment
from forum.views import Show, View
from forum.web.forms import cleaned
from tests.people import words

INSULT = "You stupid idiot, shut up."
REVIEW = "/review"


@pytest.fixture
def mona(site):
    return site.person("Mona", Role.MODERATOR)


def shown(page):
    """The numbers of the cases on a page of the queue, in its order."""
    return [int(n) for n in re.findall(r'aria-labelledby="case-(\d+)"', page.text)]


SAID = [
    ("Milk goes in first!", ["milk", "MILK first", '"goes in"', "mil*", "milk -tea"],
     ["mil", '"first milk"', "milk -first", "milk tea"]),
    ("Die Straße nach Müllheim ist überfüllt.",
     ["strasse", "STRASSE", "Straße", "mullheim", "Müllheim", "uberfullt", "über*"],
     ["ueberfullt", "strase"]),
    ("Herr Mueller wohnt in Goettingen.", ["Müller", "Göttingen", '"Herr Müller"'], ["muller"]),
    ("أَهْلاً وسهلاً بالعـــالم، إلى القمّة", ["اهلا", "أهلا", "بالعالم", "بالع*", "الي", "القمه"],
     ["سهل"]),
    ("Das kostet ٣٤٥ Euro", ["345", "٣٤٥"], ["34"]),
    ("Ёлка и чай", ["елка", "ЁЛКА", "чай"], ["чаи"]),
    ("東京タワーへ行く", ["東京", "タワー", '"東京 タワー"'], ["京東"]),
    ("Ein Clown 🤡 eben", ["🤡", "clown 🤡"], ["🤣"]),
    ("zero\u200bwidth and so\u00adft", ["zerowidth", "soft"], ["zero"]),
    ("an e-mail, don't", ["e-mail", "mail", "don't", '"e mail"'], ["email"]),
    ("x" * 300, ["x" * 100, "xxx*"], ["xxx"]),
]  # fmt: skip


@pytest.mark.site(comments_a_minute=100)
def test_what_is_found_by_which_words(site):
    ann = site.person("Ann")
    for said, _, _ in SAID:
        assert ann.comments(said).status_code == 200
    decided_by_hand(site)
    with site.database.reading() as session:
        for number, (said, found_by, not_by) in enumerate(SAID, start=1):
            for typed in found_by + not_by:
                view = View(show=Show.PUBLISHED, q=typed)
                look = views.look(session, view, viewer=1, at_most=50)
                assert (number in look.case_ids) is (typed in found_by), typed
                if typed in found_by:
                    assert search.spans(said, Search.read(typed)), typed


def decided_by_hand(site):
    """Every comment is published, as if the worker had done it."""
    with site.database.writing() as session:
        session.execute(text("UPDATE cases SET status = 'published' WHERE status = 'pending'"))


def test_a_search_holds_in_every_tab_beside_other_filters(site, mona, work):
    ann, ben = site.person("Ann"), site.person("Ben")
    ann.comments(INSULT)
    ben.comments(INSULT + " Really.")
    ben.comments("The milk goes in first, as everybody knows.")
    work()
    assert sorted(shown(mona.opens(REVIEW, q="idiot"))) == [1, 2]
    assert shown(mona.opens(REVIEW, q="idiot", author="ann")) == [1]
    assert shown(mona.opens(REVIEW, q="idiot really")) == [2]
    assert shown(mona.opens(REVIEW, q="milk")) == []
    assert shown(mona.opens(REVIEW, q="milk", show="published")) == [3]
    assert shown(mona.opens(REVIEW, q="milk", show="published", author="ben")) == [3]
    assert shown(mona.opens(REVIEW, q="milk", show="published", author="ann")) == []
    assert "Held 1 Reported 0" in mona.reads(REVIEW, q="really")
    mona.rejects(INSULT + " Really.")
    assert shown(mona.opens(REVIEW, q="really", show="rejected")) == [2]
    assert shown(mona.opens(REVIEW, q="really", show="rejected", section="life")) == [2]
    assert shown(mona.opens(REVIEW, q="really", show="rejected", mine="1")) == [2]
    assert shown(mona.opens(REVIEW, q="really")) == []
    ann.sends("/comments/3/report", reason="harassment", words="")
    assert shown(mona.opens(REVIEW, q="milk", show="reported")) == [3]


def test_what_was_found_is_framed_and_stays_in_the_address(site, mona, work):
    site.person("Ann").comments(INSULT)
    work()
    page = mona.opens(REVIEW, q='"shut up"').text
    framed = re.findall("<b>(.*?)</b>", re.sub("</?(?:mark|u)>", "", page))
    assert " ".join(framed).startswith("shut up")
    assert "Framed: what you searched for" in words(page)
    assert 'value="&#34;shut up&#34;"' in page
    case = mona.opens("/review/next", q="idiot")
    assert case.url.params["q"] == "idiot"
    assert re.search("<b>(<mark>)?idiot", case.text)


def test_words_follow_an_edit_and_go_with_the_comment(site, mona, work, vocabularies):
    ann = site.person("Ann")
    ann.comments("The milk goes in first.")
    work()
    ann.sends("/comments/1/edit", text="The sugar goes in first.")
    assert shown(mona.opens(REVIEW, q="milk", show="published")) == []
    work()
    assert shown(mona.opens(REVIEW, q="milk", show="published")) == []
    assert shown(mona.opens(REVIEW, q="sugar", show="published")) == [1]
    ann.sends("/comments/1/delete")
    assert shown(mona.opens(REVIEW, q="sugar", show="published")) == []
    with site.database.reading() as session:
        for table in ("search_decided", "search_waiting"):
            found = session.execute(text(f"SELECT count(*) FROM {kept(site, table)}")).scalar()
            assert found == 0


def kept(site, table):
    """What an index holds: on SQLite, its own list of words and not the comments behind it."""
    return f"{table}_words" if site.database.is_sqlite else table


@pytest.fixture
def vocabularies(site):
    """SQLite shows the words of an index in a table that has to be made for it."""
    if site.database.is_sqlite:
        with site.database.writing() as session:
            for table in ("search_decided", "search_waiting"):
                session.execute(
                    text(f"CREATE VIRTUAL TABLE {table}_words USING fts5vocab({table}, instance)")
                )


def test_a_comment_that_is_written_otherwise_is_kept_in_step(site, vocabularies):
    """Whoever changes rows in bulk need not think of the search."""
    site.person("Ann").comments("The milk goes in first.")
    decided_by_hand(site)
    steps = (
        ("UPDATE comments SET terms = 'sugar'", ["sugar"]),
        ("UPDATE cases SET status = 'pending'", []),
        ("UPDATE comments SET terms = 'honey'", []),
        ("UPDATE cases SET status = 'rejected'", ["honey"]),
        ("DELETE FROM scoring_jobs", ["honey"]),
        ("DELETE FROM comments", []),
    )
    for statement, found in steps:
        with site.database.writing() as session:
            session.execute(text(statement))
        if site.database.is_sqlite:
            listed = text("SELECT term FROM search_decided_words")
        else:
            listed = text("SELECT word FROM ts_stat('SELECT terms FROM search_decided')")
        with site.database.reading() as session:
            assert list(session.scalars(listed)) == found, statement


def test_what_cannot_be_searched_for_is_said_and_kept(site, mona):
    for typed, answer in (
        ("ab*", "at least 3 letters before a *"),
        ("-tea", "Please add a word to look for"),
        ("...", "There is no word in this"),
        ("x" * 201, "within 200 characters"),
    ):
        for show in ("held", "published"):
            page = mona.opens(REVIEW, q=typed, show=show)
            assert page.status_code == 200
            assert answer in words(page.text)
            assert f'value="{typed}"' in page.text


TYPED = [
    '"', '""', 'a"b', "' OR 1=1 --", "NEAR(tea milk, 2)", "terms: tea", "^tea", "tea AND NOT",
    "(((", "abc:*", "tea:*b", "!tea & | <->", "\\", "tea\\'", "%", "*", "-", "--tea x", "\u0000tea",
    "tea\ud83d", "١٢٣ *", "“tea", '-"', "{tea} + milk", "tea" * 60, " ".join("abcdefg" * 12),
]  # fmt: skip


def test_whatever_is_typed_is_answered(site, mona):
    site.person("Ann").comments("Tea and milk.")
    decided_by_hand(site)
    with site.database.reading() as session:
        for typed in TYPED:
            for asked in ({}, {"author": "ann"}, {"show": "published"}):
                view = View.read({"q": cleaned(typed), "show": "published"} | asked)
                views.look(session, view, viewer=1, at_most=5)
                views.counts(session, view, viewer=1)
    for typed in TYPED[-6:]:
        answer = mona.client.get(REVIEW, params={"q": typed.encode("utf-8", "surrogatepass")})
        assert answer.status_code == 200, typed


def test_the_script_is_a_filter_and_follows_an_edit(site, mona, work):
    ann = site.person("Ann")
    ann.comments("شكرا جزيلا على هذا المقال الرائع")
    ann.comments("The milk goes in first.")
    work()
    assert shown(mona.opens(REVIEW, script="arabic")) == [1]
    assert shown(mona.opens(REVIEW, script="latin")) == []
    assert "Held 1 Reported 0" in mona.reads(REVIEW, script="arabic")
    assert "written in Arabic" in mona.reads(REVIEW, script="arabic")
    assert shown(mona.opens(REVIEW, script="latin", show="published")) == [2]
    assert shown(mona.opens(REVIEW, script="latin", show="published", q="milk")) == [2]
    assert shown(mona.opens(REVIEW, script="arabic", show="published", q="milk")) == []
    ann.sends("/comments/2/edit", text="Молоко наливают первым.")
    work()
    assert shown(mona.opens(REVIEW, script="cyrillic", q="молоко")) == [2]
    assert mona.opens(REVIEW, script="klingon").status_code == 404


def test_a_search_ends_after_so_many_and_goes_on_from_there(site, mona, monkeypatch):
    monkeypatch.setattr(views, "_LOOKED_THROUGH", (1, 2))
    ann = site.person("Ann")
    for number in range(6):
        ann.comments(f"Milk in tea, number {number}.")
    with site.database.writing() as session:
        session.execute(text("UPDATE cases SET status = 'published' WHERE id > 1"))
        session.execute(text("UPDATE cases SET status = 'rejected' WHERE id = 1"))
    page = mona.opens(REVIEW, q="milk", show="rejected")
    assert shown(page) == []
    assert "There is more to look through" in words(page.text)
    further = re.search(r'href="([^"]+)">Look further back', page.text)[1].replace("&amp;", "&")
    page = mona.opens(further)
    assert shown(page) == [1]
    assert "Look further back" not in page.text
    assert len(shown(mona.opens(REVIEW, q="milk", show="published"))) == 3


@example("\u30ff", "")
@given(st.text(max_size=60), st.text(max_size=30))
def test_a_text_is_found_by_its_own_words_and_nothing_breaks(said, typed):
    folded = search.terms(said)
    assert search.terms(folded) == folded
    for part in folded.split():
        wanted = Search.read(f'"{part}"')
        assert wanted.problem or search.spans(said, wanted), part
    for start, end in search.spans(said, Search.read(typed)):
        assert 0 <= start < end <= len(said)


def test_both_databases_are_given_the_same(site):
    """Nothing of a comment's terms is left to either database to read."""
    site.person("Ann").comments("Müller's e-mail: ٣ 🤡 東京")
    with site.database.reading() as session:
        (comment,) = session.query(Comment.terms).all()
    assert comment.terms == "muller s e mail 3 🤡 東 京"
