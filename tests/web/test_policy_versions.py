"""Versions of the policy: beside each other, again in force, and whether they did as predicted."""

import json

import pytest

from forum.accounts import Role
from moderation import cases, policies
from moderation.labels import NAMES
from moderation.policy import DEFAULT
from moderation.worker import Worker
from tests.people import words

FORM = {f"hold_{name}": "0.5" for name in NAMES} | {f"reject_{name}": "" for name in NAMES}


@pytest.fixture
def ada(site):
    return site.person("Ada", Role.ADMIN)


def saves(admin, based_on, **fields):
    return admin.sends(
        "/admin/policy",
        based_on=based_on,
        mode="publish_unless_held",
        action="save",
        **FORM | fields,
    )


def test_what_was_wanted_and_predicted_stands_with_the_version_and_what_came(
    site, database, ada, classifier, clock
):
    worker = Worker(database.writing, classifier)

    def a_day(many):
        clock.turn(hours=1)
        with database.writing() as session:
            for _ in range(many):
                cases.open_case(session, "What a lovely cup of tea.", author=1, context=1)
        while worker.round():
            pass
        clock.turn(hours=23)

    for _ in range(8):
        a_day(2)
    saves(ada, 1, goal=json.dumps({"missed": "100", "agree": "", "hours": "6"}))
    page = ada.reads("/admin/policy/2")
    assert "Wanted: at most one in 100 published comments one to remove; no more than 6" in page
    assert "from 14 comments" in page
    assert "Published 2.0" in page
    assert "when it has been in force for a day" in page

    a_day(30)
    a_day(30)

    page = ada.reads("/admin/policy/2")
    assert "Published 2.0" in page
    assert "30 more than predicted" in page
    assert "Not all came as predicted: Published 30 a day" in page
    assert "so far" in ada.reads("/admin/policy/versions")


@pytest.mark.parametrize(
    "goal", ["{", "[1]", '{"missed": 1}', '{"hours": "nan"}', '{"agree": [98]}']
)
@pytest.mark.looks
def test_a_goal_that_is_none_is_refused(site, ada, goal):
    answer = saves(ada, 1, goal=goal)

    assert answer.status_code == 422
    assert "The goal cannot be read" in words(answer.text)
    with site.database.reading() as session:
        assert policies.in_force(session).id == 1


def test_two_versions_are_compared_in_words_and_numbers(site, ada, work):
    site.person("Ann").comments("You stupid idiot, shut up.")
    work()
    saves(ada, 1, hold_insult="1", hold_toxicity="1", hold_obscene="1", signal_link="hold")

    page = ada.reads("/admin/policy/compare", of=1, **{"with": 2})

    assert f"Insult: hold from 1, before {DEFAULT.thresholds['insult'].hold}." in page
    assert "Link: holds the comment, before counts for nothing." in page
    assert "Of the last 1 comments, 1 would have gone another way." in page
    assert "Held 1 0 −1" in page
    same = ada.reads("/admin/policy/compare", of=2, **{"with": 2})
    assert "Both versions say the same." in same
    for of in ("x", "99", ""):
        answer = ada.opens("/admin/policy/compare", of=of, **{"with": 1})
        assert answer.status_code == 422


def test_the_versions_are_a_page_at_a_time(site, ada, monkeypatch):
    from forum.web import versions

    monkeypatch.setattr(versions, "A_PAGE", 2)
    for number in (1, 2, 3):
        saves(ada, number, hold_insult=f"0.{number}")

    page = ada.opens("/admin/policy/versions")
    assert "Version 4" in words(page.text)
    assert "Version 2" not in words(page.text)
    earlier = ada.reads("/admin/policy/versions", before=3)
    assert "Version 2" in earlier
    assert "Version 1" in earlier
