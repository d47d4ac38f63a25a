"""The page of the listed words, and what it refuses."""

import pytest

from forum.accounts import Role


@pytest.fixture
def admin(site):
    return site.person("Root", Role.ADMIN)


def test_an_admin_lists_words_tries_them_and_takes_one_off(site, admin, work):
    site.person("Ada").comments("My aunt drinks coffee, and c0ffee alone.")
    work()
    assert "1 of 1 comments" in admin.reads("/admin/words/try", words="coffee")

    answer = admin.sends("/admin/words", words="coffee\ntea", means="hold", note="Ask Bea")
    assert "The list is changed" in answer.text
    assert "2 to hold and 0 to reject are listed" in admin.reads("/admin/words")
    assert "Ask Bea" in admin.reads("/admin/words", looking_for="cof")
    assert "1 of 1 comments" in admin.reads("/admin/words/try")

    site.person("Bea").comments("There is no coffee on the moon.")
    work()
    case = site.person("Mo", Role.MODERATOR).case_of("moon")
    assert "It has “coffee”, on the list of words to hold." in case.text

    admin.sends("/admin/words", action="remove", entry=1)
    assert "1 to hold" in admin.reads("/admin/words")
    log = admin.reads("/review/acts")
    assert "Root listed words To hold: coffee, tea" in log
    assert "Root took a word off the list" in log


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"words": "", "means": "hold"}, "at least one word"),
        ({"words": "🤡", "means": "hold"}, "has a picture in it"),
        ({"words": "tea", "means": "nothing"}, "choose what the words do"),
        ({"words": "tea", "means": "hold", "note": "n" * 201}, "within 200 characters"),
    ],
)
def test_what_cannot_be_listed_comes_back_with_what_was_typed(admin, fields, words):
    answer = admin.sends("/admin/words", **fields)

    assert answer.status_code == 422
    assert words in answer.text
    assert fields["words"] in answer.text


def test_an_entry_that_is_gone_cannot_be_removed_twice(admin):
    admin.sends("/admin/words", words="coffee", means="hold")
    admin.sends("/admin/words", action="remove", entry=1)

    assert admin.sends("/admin/words", action="remove", entry=1).status_code == 409


def test_what_cannot_be_tried_is_refused_in_words(admin):
    assert admin.opens("/admin/words/try", words="x").status_code == 422
    assert admin.opens("/admin/words/try", words="tea\n" * 600).status_code == 422


def test_an_admin_says_which_reason_a_word_names(site, admin, work):
    admin.sends("/admin/words", words="coffee", means="reject", reason="spam")
    ann = site.person("Ann")
    ann.comments("Buy my coffee, it is the best of the town.")
    work()
    assert "rule 6, No advertising" in ann.reads("/notices")

    admin.sends("/admin/words", action="reason", entry=1, reason="off_topic")
    assert "To reject as Off topic: coffee" in admin.reads("/review/acts")
    assert admin.sends("/admin/words", action="reason", entry=1, reason="spam").status_code == 409

    wrong = admin.sends("/admin/words", words="milk", means="reject", reason="nothing of ours")
    assert wrong.status_code == 422
    assert "choose one of the reasons" in wrong.text
    assert "milk" in wrong.text
