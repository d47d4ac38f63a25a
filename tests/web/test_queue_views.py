"""The review queue's views by their addresses, and the admin's weights of its order."""

import re

import pytest

from forum.accounts import Role
from forum.web.audience import Audience
from tests.people import words

INSULT = "You stupid idiot, shut up."
THREAT = "I will find you and kill you."


@pytest.fixture
def mona(site):
    return site.person("Mona", Role.MODERATOR)


@pytest.fixture
def ada(site):
    return site.person("Ada", Role.ADMIN)


@pytest.fixture
def held(site, work):
    site.person("Ann").comments(INSULT)
    site.person("Ben").comments(THREAT)
    work()


def shown(page):
    """The numbers of the cases on a page of the queue, in its order."""
    return [int(n) for n in re.findall(r'aria-labelledby="case-(\d+)"', page.text)]


def test_a_view_is_its_address(mona, held):
    assert shown(mona.opens("/review", author="ann")) == [1]
    assert shown(mona.opens("/review", author="ann", label="threat", least="0.9")) == []
    assert "Leave out a filter" in mona.reads("/review", author="ann", age="72")
    page = mona.opens("/review", author="Ben", order="oldest")
    assert shown(page) == [2]
    assert "by Ben" in words(page.text)
    assert 'name="author" value="Ben"' in page.text


def test_a_decision_stays_in_the_view(mona, held, site, work):
    site.person("Ann 2").comments(INSULT + " You too.")
    work()
    page = mona.opens("/review/next", order="newest", label="insult").text
    form = re.search(r'<form method="post" action="(/review/cases/\d+)">.*?</form>', page, re.S)
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[0]))
    answer = mona.sends(form[1], to="approve", **fields)
    assert answer.url.params["order"] == "newest"
    assert answer.url.params["label"] == "insult"


@pytest.mark.parametrize(
    "query",
    [
        "order=best", "label=rude", "least=2", "most=no", "held_for=that", "age=7",
        "after=x", "order=oldest&after=5~5", "after=nan~5", "after=1~99999999999999999999",
    ],
)  # fmt: skip
def test_what_no_view_has_is_refused_in_words(mona, query):
    answer = mona.opens(f"/review?{query}")
    assert answer.status_code == 404
    assert "Nothing here" in answer.text


def test_counts_are_what_a_click_shows(mona, held):
    page = mona.reads("/review", author="ben")
    assert "Held 1 Reported 0" in page
    assert "Held 2 Reported 0" in mona.reads("/review")
    mona.approves(THREAT)
    assert "Held 1 Reported 0" in mona.reads("/review")


def weights(**changed):
    plain = dict.fromkeys(
        ["toxicity", "severe_toxicity", "obscene", "threat", "insult", "identity_attack",
         "sexual_explicit", "unknown", "report", "readers"], "1",
    )  # fmt: skip
    return plain | {"age_limit": "24"} | changed


def test_an_admin_weighs_and_the_queue_follows(ada, mona, held):
    assert shown(mona.opens("/review")) == [2, 1]
    answer = ada.sends("/admin/order", based_on=0, note="Insults first", **weights(insult="100"))
    assert "The queue is in its new order." in words(answer.text)
    assert "Insults first" in answer.text
    assert shown(mona.opens("/review")) == [1, 2]


def test_of_two_admins_the_second_keeps_what_was_typed(ada, held):
    ada.sends("/admin/order", based_on=0, **weights())
    answer = ada.sends("/admin/order", based_on=0, **weights(threat="7.5"))
    assert answer.status_code == 409
    assert 'value="7.5"' in answer.text
    assert "In force now is version 1" in words(answer.text)
    again = ada.sends("/admin/order", based_on=1, **weights(threat="7.5"))
    assert again.status_code == 200


@pytest.mark.parametrize(
    "changed", [{"threat": "-1"}, {"threat": "much"}, {"age_limit": "0"}, {"report": "nan"}]
)
def test_weights_that_cannot_be_are_refused_in_words(ada, changed):
    answer = ada.sends("/admin/order", based_on=0, **weights(**changed))
    assert answer.status_code == 422
    assert "Please look at this again" in answer.text


def test_who_reads_a_thread_raises_its_cases(site, mona, held):
    audience = Audience(site.database, site.state.live)
    alone = urgency_of(mona, site, 1)
    list(audience.steps({"the-town-that-argues-about-tea": 4, "long-gone": 2}))
    assert urgency_of(mona, site, 1) == pytest.approx(alone * 1.75)
    list(audience.steps({}))
    assert urgency_of(mona, site, 1) == pytest.approx(alone)


def urgency_of(mona, site, case_id):
    page = mona.opens(f"/review/cases/{case_id}").text
    return float(re.search(r'name="after" value="([\d.]+)~', page)[1])
