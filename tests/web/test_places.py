"""Thresholds of single places: set for a section or an article, also for a time, and seen."""

from datetime import UTC, datetime, timedelta

import pytest

from forum import articles
from forum.accounts import Role
from forum.articles import ArticleText
from moderation import policies
from moderation.labels import NAMES
from moderation.policy import DEFAULT, Override, Policy, Threshold, Where
from tests.people import words

PAGE = "/admin/policy/overrides"
TRAM = ArticleText("news/tram", "The tram at night", "News / City", "It rings.", None)
MILD = "What a lovely cup of tea."


@pytest.fixture
def ada(site):
    site.load(TRAM)
    return site.person("Ada", Role.ADMIN)


def sets(admin, based_on=1, **fields):
    # Some hold all, and so all that is harmless: that takes a reason.
    yes = {"fairness_reason": "To try it."}
    return admin.sends(PAGE, based_on=based_on, action="save", **yes | fields)


def in_force(site):
    with site.database.reading() as session:
        return policies.in_force(session).policy


def test_a_section_is_stricter_until_monday_and_then_it_is_not(site, ada, work, clock):
    until = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(days=3)
    ann = site.person("Ann")

    answer = sets(
        ada,
        where="section",
        section="life",
        hold_insult="0",
        reject_insult="never",
        until=until.strftime("%Y-%m-%dT%H:%M"),
    )

    assert "It counts from the next comment on." in words(answer.text)
    assert in_force(site).overrides == (
        Override(Where.SECTION, "life", {"insult": Threshold(hold=0.0)}, until, name="Life"),
    )
    assert "hold for the section Life (until" in ada.reads("/admin/policy")
    assert "for the section Life until" in ada.reads("/admin/articles")
    assert "For the section Life: Insult hold 0, reject never." in ada.reads("/review/acts")
    clock.now = datetime.now(UTC)
    ann.comments(MILD)
    work()
    case = ada.case_of(MILD)
    assert "is at or above the hold threshold 0.00 for the section Life." in case.text
    assert "Insult: thresholds for the section Life , not the site’s." in case.text

    clock.now = until
    ann.comments("The other half writes letters.")
    work()

    assert "other half writes letters" in site.person("Ben").reads()
    assert "ended" in ada.reads(PAGE)


def test_an_article_comes_before_its_section_and_the_page_says_so(site, ada):
    sets(ada, where="section", section="news/city", hold_threat="0.2", reject_threat="0.9")
    sets(
        ada,
        2,
        where="context",
        article=f"{site.settings.address}/threads/the-tram-at-night?x=1",
        hold_threat="0.1",
        reject_threat="never",
    )

    page = ada.reads(PAGE, **{"for": "the-tram-at-night"})

    assert "Threat 0.1 never the article “The tram at night”" in page
    assert f"Insult {DEFAULT.thresholds['insult'].hold} never the site" in page
    with site.database.reading() as session:
        tram = articles.find(session, "the-tram-at-night").id
    assert [one.value for one in in_force(site).overrides] == [tram, "news/city"]


def test_other_thresholds_of_the_site_leave_those_of_places_alone(site, ada):
    sets(ada, where="good_from", good="5", hold_insult="0.9", reject_insult="never")
    places = in_force(site).overrides
    fields = {f"hold_{name}": "0.5" for name in NAMES} | {f"reject_{name}": "" for name in NAMES}

    ada.sends("/admin/policy", based_on=2, mode="publish_unless_held", action="save", **fields)

    assert in_force(site).thresholds["insult"] == Threshold(hold=0.5)
    assert in_force(site).overrides == places


def test_thresholds_of_a_place_are_tried_taken_away_and_stay_readable(site, ada, work):
    site.person("Ann").comments(MILD)
    work()
    tried = ada.sends(
        PAGE, based_on=1, action="preview", where="section", section="life",
        hold_insult="0", reject_insult="0",
    )  # fmt: skip
    assert "Of the last 1 comments, 1 would have gone another way." in words(tried.text)
    assert not in_force(site).overrides
    sets(ada, where="older_than_days", older="30", hold_insult="0.01", reject_insult="never")

    ada.sends(PAGE, based_on=2, action="remove", place=0)

    assert not in_force(site).overrides
    assert "articles older than 30 days" in ada.reads("/admin/policy/2")
    assert "No thresholds any more for articles older than 30 days." in ada.reads(
        "/admin/policy/compare", of=2, **{"with": 3}
    )


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "choose for which comments"),
        ({"where": "section"}, "choose one of the sections"),
        ({"where": "section", "section": "sports"}, "choose one of the sections"),
        ({"where": "context", "article": "none"}, "no article at this address"),
        ({"where": "older_than_days", "older": "many"}, "a whole number"),
        ({"where": "good_from", "good": "0"}, "a whole number from 1 on"),
        ({"where": "section", "section": "life"}, "at least one label"),
        ({"where": "section", "section": "life", "hold_insult": "0.4"}, "needs both"),
        (
            {"where": "section", "section": "life", "hold_insult": "2", "reject_insult": "never"},
            "from 0 to 1",
        ),
        (
            {"where": "section", "section": "life", "hold_insult": "0.4", "reject_insult": "0.2"},
            "must not be below",
        ),
        (
            {"where": "good_from", "good": "3", "hold_insult": "0.4", "reject_insult": "never",
             "until": "2020-01-01T00:00"},
            "lies in the past",
        ),
        (
            {"where": "good_from", "good": "3", "hold_insult": "0.4", "reject_insult": "never",
             "until": "Monday"},
            "a date and a time",
        ),
    ],
)  # fmt: skip
@pytest.mark.looks
def test_what_cannot_be_is_refused_in_words_and_kept(site, ada, fields, says):
    answer = sets(ada, note="Election", **fields)

    assert answer.status_code == 422
    assert says in words(answer.text)
    assert 'value="Election"' in answer.text
    assert in_force(site) == Policy.from_json(in_force(site).to_json())
    assert not in_force(site).overrides


def test_of_two_admins_the_second_keeps_what_was_typed(site, ada):
    sets(ada, where="good_from", good="5", hold_insult="0.9", reject_insult="never")

    late = sets(ada, where="good_from", good="7", hold_insult="0.8", reject_insult="never")

    assert late.status_code == 409
    assert 'name="based_on" value="2"' in late.text
    assert 'value="0.8"' in late.text
    assert [one.value for one in in_force(site).overrides] == [5]
