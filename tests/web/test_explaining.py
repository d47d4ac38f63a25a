"""Why a comment is held, as its moderator sees it: marked words, long texts, quotes, scripts."""

import re

import pytest

from forum.accounts import Role
from tests.people import TEA

INSULT = "You stupid idiot, shut up."
# Long enough for several windows of any classifier.
LONG = "\n\n".join(
    f"On day {day} the council met in the old library and spoke of the new bus line, of roads and "
    "of the money that both would cost the town in the years to come."
    for day in range(12)
)
LABELS = ("toxicity", "severe_toxicity", "obscene", "threat", "insult", "identity_attack")


@pytest.fixture
def ann(site):
    return site.person("Ann")


@pytest.fixture
def mona(site):
    return site.person("Mona", Role.MODERATOR)


@pytest.fixture
def ada(site):
    return site.person("Ada", Role.ADMIN)


def marked(page):
    return re.findall(r"<mark>([^<]*)</mark>", page)


def test_the_words_that_carried_the_score_are_marked_and_named(ann, mona, work):
    ann.comments("Milk <first>, said the *stupid* **idiot** & shut up.")
    work()

    for page in ("/review", f"/review/cases/{mona.case_of('Milk').id}"):
        seen = mona.opens(page).text
        assert "<strong><mark>idiot</mark></strong>" in seen
        assert "&lt;first&gt;" in seen
        assert "<mark>Milk" not in seen
    assert re.search(r"Carried by[^.]*\bidiot\b", mona.case_of("Milk").text)


def test_nothing_is_marked_before_the_worker_has_looked(ann, mona, site, classifier):
    from moderation.worker import Worker

    ann.comments(INSULT)
    Worker(site.state.live.writing, classifier).round()

    assert not marked(mona.opens("/review").text)
    assert mona.case_of(INSULT).id


def test_the_part_of_a_long_comment_that_scored_highest_is_shown(ann, mona, work):
    ann.comments(f"{LONG}\n\n{INSULT}\n\n{LONG}")
    work()

    case = mona.case_of(INSULT)
    assert "the part of a long comment that scored highest" in case.text
    page = mona.opens(f"/review/cases/{case.id}").text
    part = " ".join(re.sub("<[^>]*>", " ", "".join(re.findall(r"<u>.*</u>", page, re.S))).split())
    assert "idiot" in "".join(marked(re.sub("</?u>", "", page)))
    assert "stupid" in part


def test_who_quotes_a_slur_to_object_is_judged_by_the_own_words(ann, mona, site, work):
    said = "He then said that you are all stupid idiots and should shut up at once."
    article = TEA.__class__(**{**vars(TEA), "body": f"{TEA.body}\n\n{said}"})
    site.load(article)
    ann.comments(f"> {said}\n\nI cannot believe that anybody in this town speaks like that.")
    ann.comments(f"> {said}\n\nThat is right, and you are a stupid idiot too, dear neighbour.")
    ann.comments("> You are a stupid idiot\n\nI cannot believe that anybody speaks like that.")
    work()

    quoting = mona.case_of("dear neighbour").text
    assert "Quoted from the article or the comment answered, and not counted" in quoting
    assert "“" not in quoting or said in quoting
    assert ann.sees("I cannot believe that anybody in this town speaks like that.")
    stranger = site.person(role=None)
    assert stranger.sees("I cannot believe that anybody in this town speaks like that.")
    assert stranger.cannot_see("dear neighbour")
    assert stranger.cannot_see("I cannot believe that anybody speaks like that."), (
        "what stands nowhere is no quote"
    )


def test_a_reply_may_quote_the_comment_that_it_answers(ann, mona, site, work):
    ann.comments(INSULT)
    work()
    mona.approves(INSULT)
    bob = site.person("Bob")
    bob.replies(f"> {INSULT}\n\nPlease, let us talk about milk and tea here.", to=INSULT)
    bob.comments(f"> {INSULT}\n\nPlease, let us talk about milk and sugar here.")
    work()

    stranger = site.person(role=None)
    assert stranger.sees("milk and tea here")
    assert stranger.cannot_see("milk and sugar here"), "it answers nobody"


def test_an_admin_says_what_words_outside_the_classifiers_languages_mean(ann, ada, site, work):
    ann.comments("شكرا جزيلا على المقال")
    ann.comments("🙂🙂 👍 2026")
    work()
    stranger = site.person(role=None)
    assert stranger.cannot_see("شكرا")
    assert stranger.sees("👍 2026"), "emoji and digits are of no script"
    assert "never learned the Arabic script" in ada.case_of("شكرا").text

    fields = {f"{limit}_{name}": "" for name in LABELS for limit in ("hold", "reject")}
    fields |= {"mode": "publish_unless_held", "signal_outside_languages": "nothing"}
    preview = ada.sends("/admin/policy", based_on=1, action="preview", **fields)
    assert re.search(r"<strong>1</strong> would have gone another way", preview.text)
    assert ada.sends("/admin/policy", based_on=1, action="save", **fields).status_code == 200
    assert "Counts for nothing" in ada.reads("/admin/policy/2")

    ann.comments("مرحبا بالجميع هنا")
    work()
    assert stranger.sees("مرحبا")
