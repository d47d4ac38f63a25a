"""The rules page: what admins change there is what readers and moderators find."""

import re

import pytest

from forum.accounts import Role
from tests.people import words

INSULT = "You stupid idiot, shut up."


@pytest.fixture
def ann(site):
    return site.person("Ann")


@pytest.fixture
def mona(site):
    return site.person("Mona", Role.MODERATOR)


@pytest.fixture
def ada(site):
    return site.person("Ada", Role.ADMIN)


def version(admin):
    return re.search(r'name="based_on" value="(\d+)"', admin.opens("/admin/rules").text)[1]


def saves(admin, **fields):
    return admin.sends("/admin/rules", **({"action": "save", "based_on": version(admin)} | fields))


def test_a_rule_that_is_changed_stands_beside_the_comment_form_at_once(site, ada, ann):
    stranger = site.person(role=None)
    assert stranger.opens("/threads/the-town-that-argues-about-tea").status_code == 200
    assert ann.sees("Stay with the subject, and be fair to people.")

    answer = saves(
        ada, what="clause", id="1", title="Tea first", text="Speak of tea.", short="Only tea."
    )

    assert answer.status_code == 200
    assert ann.sees("Only tea.")
    assert ann.cannot_see("Stay with the subject, and be fair")
    assert "Speak of tea." in stranger.reads("/rules")


def test_every_change_stands_in_the_history_with_who_made_it(ada):
    saves(ada, what="reason", id="spam", title="Advertising", clause="6", label="")
    page = ada.reads("/admin/rules")
    assert "Ada : Reason Spam: name “Spam” → “Advertising”" in page


def test_a_reason_of_ones_own_is_offered_and_written_into_the_log(ada, mona, ann, work):
    saves(ada, what="reason", id="", title="Milk first", clause="1", label="", wants_words="yes")
    ann.comments(INSULT)
    work()
    page = mona.opens("/review").text
    code = re.search(r'<option value="(\w+)"[^>]*>Milk first', page)[1]
    case = mona.case_of(INSULT)

    assert mona.decides(case, "reject", reason=code).status_code == 422, "it needs words"
    assert mona.decides(case, "reject", reason=code, words="Never.").status_code == 200

    saves(ada, what="reason", id=code, action="retire")
    assert "Milk first" not in mona.reads("/comments/1/report")
    assert "Milk first (rule 1, Stay with the subject)" in mona.reads("/review/log")
    saves(ada, what="reason", id=code, action="restore")
    assert "in use again" in ada.reads("/admin/rules")


def test_a_retired_reason_can_no_longer_be_chosen(ada, mona, ann, work):
    ann.comments(INSULT)
    work()
    saves(ada, what="reason", id="harassment", action="retire")
    assert mona.rejects(INSULT, reason="harassment").status_code == 422


@pytest.mark.parametrize(
    "fields",
    [
        {"what": "clause", "id": "1", "title": "", "text": "x"},
        {"what": "clause", "id": "2", "action": "retire"},
        {"what": "reason", "id": "", "title": "Hate", "clause": "1"},
        {"what": "reason", "id": "spam", "title": "Spam", "clause": "99"},
    ],
)
def test_what_cannot_be_saved_comes_back_with_what_was_typed(ada, fields):
    answer = saves(ada, **fields)
    assert answer.status_code == 422
    assert "Please look at this again" in words(answer.text)
    if fields.get("title"):
        assert f'value="{fields["title"]}"' in answer.text


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"what": "clause", "id": "77", "title": "x", "text": "x"},
        {"what": "clause", "id": "abc"},
        {"what": "reason", "id": "none", "title": "x", "clause": "1"},
    ],
)
def test_what_makes_no_sense_is_refused(ada, fields):
    assert saves(ada, **fields).status_code == 400


def test_of_two_admins_the_second_is_told(site, ada):
    other = site.person("Ben", Role.ADMIN)
    seen = version(other)
    saves(ada, what="clause", id="1", title="Tea", text="Speak of tea.")

    answer = saves(other, based_on=seen, what="clause", id="1", title="Milk", text="Of milk.")

    assert answer.status_code == 409
    assert 'value="Milk"' in answer.text
    assert saves(other, what="clause", id="1", title="Milk", text="Of milk.").status_code == 200


def test_a_change_of_the_rules_stands_in_the_log(site):
    admin = site.person("Root", Role.ADMIN)
    admin.sends("/admin/rules", what="appeals", based_on="1", days="14")

    assert "Root changed the rules Authors may appeal for 14 days." in admin.reads("/review/acts")
