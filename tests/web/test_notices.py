"""What authors are told, and what they can do: change and send again, appeal, read the reasons."""

import re

import pytest

from forum.accounts import Role
from tests.people import words

INSULT = "You stupid idiot, shut up."
TEA = "/threads/the-town-that-argues-about-tea"


@pytest.fixture
def ann(site):
    return site.person("Ann")


@pytest.fixture
def mona(site):
    return site.person("Mona", Role.MODERATOR)


@pytest.fixture
def max_(site):
    return site.person("Max", Role.MODERATOR)


@pytest.fixture
def ada(site):
    return site.person("Ada", Role.ADMIN)


@pytest.fixture
def rejected(ann, mona, work):
    ann.comments(INSULT)
    work()
    mona.rejects(INSULT, reason="harassment", words="He did not ask for it.")


def newest(person):
    """The address of the newest notice."""
    return re.search(r'href="(/notices/\d+)"', person.opens("/notices").text)[1]


def appeals(person, said="It was a quotation."):
    return person.sends(newest(person) + "/appeal", words=said)


def test_an_author_reads_what_was_decided_why_and_by_whom(ann, rejected):
    assert "Notices ! new" in ann.reads(TEA)
    page = ann.reads("/notices")
    assert "Your comment was not published" in page
    assert "A moderator decided this." in page
    assert "Harassment" in page
    assert "rule 2, Be fair to people" in page
    assert "He did not ask for it." in page
    assert "Mona" not in page
    assert "Notices ! new" not in ann.reads(TEA)


def test_a_notice_is_its_authors_alone(site, ann, mona, rejected):
    path = newest(ann)
    assert site.person("Bob").opens(path).status_code == 404
    assert mona.opens(path).status_code == 404
    assert mona.sends(path + "/appeal", words="Mine.").status_code == 404
    assert "Harassment" not in site.person("Cleo").reads("/notices")


def test_the_classifiers_decisions_are_told_as_the_classifiers(ada, ann, work):
    ada.sends(
        "/admin/policy",
        based_on=1,
        mode="publish_unless_held",
        hold_insult="0.1",
        reject_insult="0.2",
    )
    ann.comments(INSULT)
    work()
    page = ann.reads("/notices")
    assert "A program" in page
    assert "no person has looked at it yet" in page
    assert "rule 2" in page


def test_a_decision_taken_back_at_once_leaves_no_trace(ann, mona, work):
    ann.comments(INSULT)
    work()
    answer = mona.rejects(INSULT)
    mona.sends(re.search(r'action="(/review/decisions/\d+/undo)"', answer.text)[1])
    assert "There is nothing to tell you" in ann.reads("/notices")


def test_a_decision_taken_back_after_it_was_read_is_told(ann, mona, work):
    ann.comments(INSULT)
    work()
    answer = mona.rejects(INSULT)
    ann.opens("/notices")
    mona.sends(re.search(r'action="(/review/decisions/\d+/undo)"', answer.text)[1])
    assert "Your comment is looked at again" in ann.reads("/notices")


def test_a_rejected_comment_is_changed_and_scored_again(ann, rejected, work):
    path = newest(ann)
    same = ann.sends(path + "/resubmit", text=INSULT)
    assert same.status_code == 422
    assert "the words that were decided on" in words(same.text)

    answer = ann.sends(path + "/resubmit", text="I do not agree with you.")

    assert "waiting to be checked" in words(answer.text)
    work()
    assert ann.sends(path + "/resubmit", text="Once more, with tea.").status_code == 409


def test_what_a_moderator_rejected_waits_for_a_moderator_when_it_comes_again(
    ann, mona, rejected, work
):
    ann.sends(newest(ann) + "/resubmit", text="I do not agree with you.")
    work()
    assert "rejected an earlier wording" in mona.case_of("I do not agree with you.").text


def test_an_appeal_is_decided_by_somebody_else(ann, mona, max_, rejected):
    assert appeals(ann).status_code == 200
    assert "It was a quotation." in mona.reads("/review", show="appeals")

    own = mona.approves(INSULT, show="appeals")
    assert own.status_code == 422
    assert "somebody else answers it" in words(own.text)

    max_.approves(INSULT, show="appeals")

    assert ann.sees(INSULT)
    assert "you were right" in ann.reads("/notices")
    assert "Nobody has appealed" in max_.reads("/review", show="appeals")


def test_an_appeal_that_fails_is_the_last(ann, mona, max_, rejected):
    appeals(ann)
    max_.rejects(INSULT, show="appeals")

    assert "the decision stands" in ann.reads("/notices")
    again = appeals(ann)
    assert again.status_code == 422
    assert "it is the last one" in words(again.text)


def test_a_decision_is_appealed_once_and_in_time(ada, ann, rejected, clock):
    ada.sends("/admin/rules", what="appeals", days="2", based_on="1")
    assert appeals(ann, " ").status_code == 422
    assert appeals(ann, "x" * 2001).status_code == 422
    clock.turn(days=3)
    late = appeals(ann)
    assert late.status_code == 422
    assert "The time to appeal" in words(late.text)

    ada.sends("/admin/rules", what="appeals", days="5", based_on="2")
    assert appeals(ann).status_code == 200
    again = appeals(ann)
    assert again.status_code == 422
    assert "You have appealed against this decision already" in words(again.text)


def test_an_undone_answer_opens_the_appeal_again(ann, max_, rejected):
    appeals(ann)
    answer = max_.approves(INSULT, show="appeals")
    max_.sends(re.search(r'action="(/review/decisions/\d+/undo)"', answer.text)[1])
    assert "It was a quotation." in max_.reads("/review", show="appeals")
    assert ann.sees(INSULT), "its author sees it, with its mark"
    assert "not published" in ann.reads(TEA)


def test_whoever_sends_other_words_lets_the_appeal_go(ann, max_, rejected, work):
    appeals(ann)
    ann.sends(newest(ann) + "/resubmit", text="I do not agree with you.")
    work()
    assert "Nobody has appealed" in max_.reads("/review", show="appeals")
    assert "No comment is reported" in max_.reads("/review", show="reported")


def test_the_statement_of_reasons_has_what_the_law_asks_for(ann, ada, mona, rejected):
    address = re.search(r'href="(/decisions/\d+/statement)"', ann.opens(newest(ann)).text)[1]

    said = ann.opens(address).json()

    assert said["decision_visibility"] == ["DECISION_VISIBILITY_CONTENT_REMOVED"]
    assert said["decision_ground"] == "DECISION_GROUND_INCOMPATIBLE_CONTENT"
    assert said["incompatible_content_ground"].startswith("Rule 2, Be fair to people")
    assert said["incompatible_content_explanation"] == "Harassment. He did not ask for it."
    assert said["category"] == "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH"
    assert said["automated_detection"] == "Yes"
    assert said["automated_decision"] == "AUTOMATED_DECISION_NOT_AUTOMATED"
    assert said["source_type"] == "SOURCE_VOLUNTARY"
    assert {"DE", "IS"} <= set(said["territorial_scope"])
    assert said["application_date"] == "2026-11-22"
    assert said["content_date"] == "2026-11-22"
    assert said["redress"]["internal_complaint"]
    assert ada.opens(address).json() == said
    assert mona.opens(address).status_code == 404
    appeals(ann)
    assert ann.opens(address).json()["redress"]["appealed_at"]


@pytest.mark.parametrize("path", ["/notices/77", "/notices/abc", "/decisions/77/statement"])
def test_what_is_not_there_is_said(ann, path):
    assert ann.opens(path).status_code == 404
