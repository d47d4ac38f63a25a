"""Thresholds are for one classifier: what an admin sees and does when another one scores."""

import re

import pytest

from forum.accounts import Role
from moderation import cases, lineup, policies
from moderation.policy import Policy, Threshold
from moderation.worker import Worker
from tests.people import words

OURS = Policy({"toxicity": Threshold(hold=0.8)})


class Scale:
    """A classifier that reads its score in the text, on a scale of its own."""

    labels, scripts = ("toxicity",), ("Latin",)

    def __init__(self, name, power):
        self.name, self.version, self.power = name, "1", power

    def score(self, texts):
        return [{"toxicity": float(text.split()[-1]) ** self.power} for text in texts]


@pytest.fixture
def ada(site):
    return site.person("Ada", Role.ADMIN)


@pytest.fixture
def ann(site):
    return site.person("Ann")


def worker(site, classifier):
    return Worker(site.state.live.writing, classifier)


@pytest.fixture
def old(site):
    """The classifier that the thresholds are for, and that decided so far."""
    old = Scale("old", 1.0)
    with site.database.writing() as session:
        row = lineup.row_of(session, old.name, old.version)
        based_on = policies.in_force(session).id
        policies.adopt(session, OURS, author=None, based_on=based_on, classifier=row)
    return old


@pytest.fixture
def new():
    return Scale("new", 3.0)


def judged(site, ann, classifier, how_many):
    """Let comments with evenly spread scores come in, and be judged."""
    with site.database.writing() as session:
        for number in range(how_many):
            text = f"Tea number {number} scores {number / how_many:.3f}"
            cases.open_case(session, text, author=ann.account_id, context=1)
    until_idle(site, classifier)


def until_idle(site, classifier):
    scoring = worker(site, classifier)
    while scoring.round():
        pass


def fields(page):
    """The policy form's fields as its page has them."""
    form = page[page.index('<form class="policy"') :]
    inputs = re.findall(r'<input (?![^>]*radio)[^>]*?name="(\w+)"[^>]*? value="([^"]*)"', form)
    return dict(inputs) | {"mode": "publish_unless_held"}


def test_as_long_as_both_belong_together_nothing_is_said(site, ada, ann, old):
    ann.comments("Milk first 0.1")
    until_idle(site, old)

    page = ada.reads("/admin/policy")

    assert "for the scores of old 1" in page
    assert "Every comment is held" not in page
    assert site.browser().get("/readyz").json()["policy"] == "ok"


@pytest.mark.site(metrics_token="secret")
def test_when_another_classifier_scores_every_comment_is_held_and_that_is_said(
    site, ada, ann, old, new
):
    ann.comments("Milk first 0.1")
    until_idle(site, new)

    assert ann.reads().count("Milk first 0.1") == 1, "its author sees it, waiting"
    assert site.person("Ben").cannot_see("Milk first 0.1")
    page = ada.reads("/admin/policy")
    assert "Every comment is held" in page
    assert "are for old 1 , and new 1 scores now" in page
    ready = site.browser().get("/readyz")
    assert ready.status_code == 503
    assert "are for old 1, and new 1 scores now" in ready.json()["policy"]
    counted = site.browser().get("/metrics", headers={"authorization": "Bearer secret"}).text
    assert "forum_policy_fits 0.0" in counted
    assert "were not applied" in site.person("Mona", Role.MODERATOR).case_of("Milk first").text


def test_thresholds_are_translated_looked_at_and_saved(site, ada, ann, old, new):
    judged(site, ann, old, 60)
    until_idle(site, new)

    translated = ada.sends("/admin/policy", based_on=2, action="translate")

    assert translated.status_code == 200
    said = words(translated.text)
    assert "Over 60 comments that both classifiers scored. Nothing is saved yet." in said
    assert "Toxicity, hold 0.8 20.0 %" in said
    typed = fields(translated.text)
    assert 0.783**3 < float(typed["hold_toxicity"]) <= 0.8**3
    assert "Every comment is held" in ada.reads("/admin/policy"), "nothing was saved"

    assert "has read 0 of" in words(ada.sends("/admin/policy", **typed, action="save").text)
    ada.sends("/admin/policy", **typed, action="save", fairness_reason="Nothing gets through now.")

    page = ada.reads("/admin/policy")
    assert "Every comment is held" not in page
    assert "for the scores of new 1" in page
    ann.comments("Milk first 0.1")
    until_idle(site, new)
    assert site.person("Ben").sees("Milk first 0.1")


def test_with_too_few_comments_the_page_says_so(site, ada, ann, old, new):
    judged(site, ann, old, 2)
    until_idle(site, new)

    answer = ada.sends("/admin/policy", based_on=2, action="translate")

    assert answer.status_code == 422
    assert "Only 2 comments were scored by both" in words(answer.text)


def test_there_is_nothing_to_translate_where_both_belong_together(site, ada, old):
    answer = ada.sends("/admin/policy", based_on=2, action="translate")

    assert answer.status_code == 422
    assert "are for the classifier that scores now" in words(answer.text)


def test_numbers_typed_for_a_classifier_that_is_gone_are_not_taken(site, ada, old, new):
    until_idle(site, new)
    seen = fields(ada.opens("/admin/policy").text)
    until_idle(site, Scale("newest", 2.0))

    answer = ada.sends("/admin/policy", **seen, action="save")

    assert answer.status_code == 422
    assert "Another classifier scores now" in words(answer.text)


def test_an_old_version_comes_back_for_its_own_classifier(site, ada, old, new):
    until_idle(site, new)
    typed = fields(ada.opens("/admin/policy").text)
    ada.sends("/admin/policy", **typed, action="save", fairness_reason="For the moment.")
    assert "Every comment is held" not in ada.reads("/admin/policy")
    assert "while another classifier scores, every comment is held" in ada.reads("/admin/policy/2")

    ada.sends("/admin/policy/2", based_on=3, fairness_reason="It will score again.")

    assert "Every comment is held" in ada.reads("/admin/policy")
