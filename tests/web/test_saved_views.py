"""Views that a moderator has named: found again beside the tabs, counted, and nobody else's."""

import re

import pytest
from sqlalchemy import text

from forum import saved
from forum.accounts import Role
from tests.people import words

INSULT = "You stupid idiot, shut up."


@pytest.fixture
def mona(site):
    return site.person("Mona", Role.MODERATOR)


def own(page):
    """The views beside the tabs: name, address, and what stands behind the name."""
    nav = re.search(r'aria-label="Your views">(.*?)</nav>', page.text, re.S)
    if nav is None:
        return []
    return [(words(link), at.replace("&amp;", "&")) for at, link in
            re.findall(r'<a href="([^"]*)"[^>]*>(.*?)</a>', nav[1], re.S)]  # fmt: skip


def test_a_view_is_named_found_again_renamed_and_removed(site, mona, work):
    site.person("Ann").comments(INSULT)
    site.person("Ben").comments(INSULT + " You too.")
    work()
    assert own(mona.opens("/review")) == []
    kept = mona.sends("/review/views", name=" Ann  insults ", author="ann", q="idiot")
    assert "You find it beside the tabs" in words(kept.text)
    ((name, at),) = own(kept)
    assert name == "Ann insults 1"
    page = mona.opens(at)
    assert page.text.count('class="case"') == 1
    assert 'aria-current="page"><bdi>Ann insults' in page.text
    mona.approves(INSULT + " You too.")
    assert own(mona.opens("/review"))[0][0] == "Ann insults 1"
    mona.approves(INSULT)
    assert own(mona.opens("/review"))[0][0] == "Ann insults 0"
    renamed = mona.sends("/review/views/1", to="rename", name="Calm", author="ann")
    assert renamed.url.params["author"] == "ann"
    assert own(renamed)[0][0] == "Calm 0"
    assert own(mona.sends("/review/views/1", to="remove", name="Calm")) == []


def test_all_that_was_decided_is_not_counted(mona):
    mona.sends("/review/views", name="Gone", show="rejected", q="idiot")
    assert own(mona.opens("/review")) == [("Gone", "/review?show=rejected&q=idiot")]


def test_nobody_sees_or_changes_the_views_of_others(site, mona):
    mona.sends("/review/views", name="Mine", author="ann")
    nora = site.person("Nora", Role.ADMIN)
    assert own(nora.opens("/review")) == []
    for to in ("rename", "remove"):
        assert nora.sends("/review/views/1", to=to, name="Yours").status_code == 404
    assert own(mona.opens("/review"))[0][0] == "Mine 0"
    assert nora.sends("/review/views", name="mine", author="ben").status_code == 200


def test_what_cannot_be_kept_is_said_and_the_name_stays(mona, monkeypatch):
    monkeypatch.setattr(saved, "MOST", 2)
    mona.sends("/review/views", name="Mine", author="ann")
    for name, answer in (
        ("  ", "Please give the view a name"),
        ("x" * 41, "within 40 characters"),
        ("MINE", "You have a view of this name already"),
    ):
        page = mona.sends("/review/views", name=name, author="ben")
        assert page.status_code == 422
        assert answer in words(page.text)
        assert f'value="{name}"' in page.text
        assert "by ben" in words(page.text)
    mona.sends("/review/views", name="Yours", author="ben")
    page = mona.sends("/review/views", name="Theirs", author="ben")
    assert page.status_code == 422
    assert "Please remove one first" in words(page.text)
    assert "already" in words(mona.sends("/review/views/2", to="rename", name="mine").text)
    assert mona.sends("/review/views/2", to="rename", name="YOURS").status_code == 200
    assert mona.sends("/review/views/2", to="burn").status_code == 422


def test_a_view_of_what_is_gone_can_be_removed(site, mona):
    mona.sends("/review/views", name="Old", author="ann")
    with site.database.writing() as session:
        session.execute(text("""UPDATE saved_views SET asked = '{"label": "rude"}'"""))
    page = mona.opens("/review")
    assert own(page) == [("Old", "/review?label=rude")]
    assert own(mona.sends("/review/views/1", to="remove")) == []
