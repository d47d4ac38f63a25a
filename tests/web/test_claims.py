"""Two moderators at one queue: who has which case, and what the slower one is told."""

import re

import pytest

from forum.accounts import Role
from tests.people import words

INSULT = "You stupid idiot, shut up."


@pytest.fixture
def mona(site):
    return site.person("Mona", Role.MODERATOR)


@pytest.fixture
def max_(site):
    return site.person("Max", Role.MODERATOR)


@pytest.fixture
def three_insults(site, work):
    ann = site.person("Ann")
    for number in (1, 2, 3):
        ann.comments(f"{INSULT} {number}")
    work()


def form(page, name):
    """The fields of the page's form that approves or rejects, as its browser would send them."""
    (found,) = (f for f in re.findall(r"<form.*?</form>", page, re.S) if f'value="{name}"' in f)
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', found))


def test_others_see_who_has_a_case_open(mona, max_, three_insults):
    mona.opens("/review/cases/1")

    assert "Mona has it until 12:05" in max_.case_of(f"{INSULT} 1").text
    assert "Mona has it until 12:05" in max_.reads("/review/cases/1")
    assert "Mona has it" not in mona.reads("/review")


def test_next_leads_past_what_another_has(mona, max_, three_insults):
    mona.opens("/review/next", order="oldest")

    assert max_.opens("/review/next", order="oldest").url.path == "/review/cases/2"


def test_the_next_case_can_be_fetched_ahead_and_is_nobodys_until_it_is_claimed(
    mona, max_, three_insults
):
    page = mona.opens("/review/next", order="oldest").text
    place = form(page, "approve")["after"]

    ahead = mona.opens("/review/next", order="oldest", after=place, ahead=1)

    assert "Case 2 ‖ held" in words(ahead.text)
    assert 'data-here="/review/cases/2?order=oldest"' in ahead.text
    assert "Mona has it" not in max_.case_of(f"{INSULT} 2").text
    assert "Mona has it" in max_.case_of(f"{INSULT} 1").text
    assert mona.sends("/review/cases/2/claim").json()["version"] == 2
    assert "Mona has it" in max_.case_of(f"{INSULT} 2").text
    # What others have is passed over, and nothing comes where nothing is left.
    max_.opens("/review/cases/3")
    assert "Case 1 ‖ held" in words(mona.opens("/review/next", ahead=2).text)
    mona.sends("/review/cases/1", to="approve", version=2)
    assert mona.opens("/review/next", ahead=2).status_code == 204


def test_a_decision_leads_to_the_next_case_and_offers_undo_there(mona, three_insults):
    page = mona.opens("/review/next", order="oldest").text
    answer = mona.sends("/review/cases/1", to="approve", **form(page, "approve"))

    assert answer.url.path == "/review/cases/2"
    assert "Approved. Case 1 Undo" in words(answer.text)
    undo = re.search(r'action="(/review/decisions/\d+/undo)"', answer.text)
    assert mona.sends(undo[1]).url.path == "/review/cases/1"


def test_behind_the_last_case_comes_the_first_that_was_left_out(mona, three_insults):
    page = mona.opens("/review/cases/3", order="oldest").text
    answer = mona.sends("/review/cases/3", to="reject", reason="threat", **form(page, "reject"))
    assert answer.url.path == "/review/cases/1"


def test_where_nothing_is_left_the_queue_says_so(mona, three_insults):
    for number in (1, 2, 3):
        page = mona.opens("/review/next", order="oldest").text
        answer = mona.sends(f"/review/cases/{number}", to="approve", **form(page, "approve"))
    assert answer.url.path == "/review"
    assert "Nothing is held." in words(answer.text)
    assert "Approved." in words(answer.text)


def test_who_leaves_a_case_lets_others_have_it(mona, max_, three_insults):
    mona.opens("/review/cases/1")
    mona.sends("/review/cases/1/leave", order="oldest")

    assert max_.opens("/review/next", order="oldest").url.path == "/review/cases/1"


def test_who_comes_second_is_told_what_happened_and_keeps_the_words(mona, max_, three_insults):
    page = max_.opens("/review/cases/1", order="oldest").text
    mona.approves(f"{INSULT} 1")

    answer = max_.sends(
        "/review/cases/1",
        to="reject",
        reason="harassment",
        words="Typed with care.",
        **form(page, "reject"),
    )

    assert answer.status_code == 409
    assert "Mona was faster and approved this comment" in words(answer.text)
    assert 'value="Typed with care."' in answer.text
    assert "Next" in words(answer.text), "the way on is still there"


@pytest.mark.parametrize("path", ["/review/next?show=never", "/review/next?after=then"])
def test_an_address_that_no_page_gave_is_refused_in_words(mona, path):
    assert mona.opens(path).status_code == 404
