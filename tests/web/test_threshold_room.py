"""The threshold room: a day now and then, what changes side, thresholds for a goal."""

import html
import re

import pytest

from bench import scored
from forum import articles
from forum.accounts import Role
from forum.articles import ArticleText
from moderation import audits, policies
from moderation.audits import Shares
from moderation.policy import DEFAULT
from tests.people import words

# The thresholds in force, but for one label.
STRICT = {f"hold_{name}": str(limits.hold) for name, limits in DEFAULT.thresholds.items()} | {
    "mode": "publish_unless_held",
    "hold_toxicity": "0.03",
    "days": "all",
}


@pytest.fixture
def ada(site, database):
    """An admin of a site with two thousand scored texts of 90 days, audited by their shares."""
    with database.writing() as session:
        articles.store(session, ArticleText("city", "A bridge", "News / City", "It opens.", None))
        audits.adopt(session, Shares(published=0.01, near=0.05), author=1, based_on=0)
        scored.pour(session, 2000)
    return site.person("Ada", Role.ADMIN)


def figure(page, title):
    """What stands now and then in the row with this title."""
    day = page[page.index('id="day"') :]
    row = re.search(rf'<tr><th scope="row">{title}</th>(.*?)</tr>', day, re.S)
    assert row, f"no row {title}"
    return [words(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row[1], re.S)]


def test_a_day_is_told_with_intervals_and_without_where_nothing_is_known(ada):
    page = ada.opens("/admin/policy", days="all").text

    assert "Reckoned from 2 000 comments" in words(page)
    now, then = figure(page, "Held that people would keep")
    assert now == then
    assert re.fullmatch(r"[\d.]+ \([\d.]+ to [\d.]+\)", now)
    assert "more audited comment" in figure(page, "Published that people would remove")[0]
    assert figure(page, "Longest wait, as staffed")[0] == "nobody has decided anything in 14 days"


def test_a_preview_says_what_a_day_would_be_like(ada):
    page = ada.sends("/admin/policy", action="preview", based_on="1", classifier="1", **STRICT).text

    now, then = (float(said.split()[0]) for said in figure(page, "Held"))
    assert then > now


def test_the_time_and_the_section_are_chosen_in_the_address(ada):
    assert "Reckoned from 2 000" in ada.reads("/admin/policy", days="all")
    week = ada.reads("/admin/policy", days="7")
    assert re.search(r"Reckoned from 15\d comments of the last 7 days", week)
    # Context 2 has one in 300 texts; nobody decides for one section alone.
    city = ada.reads("/admin/policy", days="all", section="news/city")
    assert re.search(r"Reckoned from [67] comments of .* in this section", city)
    assert "Longest wait" not in city
    nothing = ada.reads("/admin/policy", days="7", section="news/city")
    assert "No comment of this time was scored here" in nothing


def test_a_time_or_a_section_that_is_none_is_explained(ada):
    for path, asked in (
        ("/admin/policy", {"days": "9"}),
        ("/admin/policy/changes", {"section": "nowhere"}),
        ("/admin/policy/goal", {"days": "all'--"}),
    ):
        answer = ada.opens(path, **asked)

        assert answer.status_code == 404
        assert "Please choose" in words(answer.text)


def test_what_changes_side_comes_nearest_first_page_by_page(ada):
    first = ada.opens("/admin/policy/changes", **STRICT).text

    cases = [int(number) for number in re.findall(r">Case (\d+)<", first)]
    assert len(cases) == 20
    assert "Nobody has decided on it." in words(first)
    onward = html.unescape(re.search(r'href="([^"]*after=20[^"]*)"', first)[1])
    later = [int(number) for number in re.findall(r">Case (\d+)<", ada.opens(onward).text)]
    assert later
    assert not set(cases) & set(later)

    assert "Latin" in first
    assert "None of these comments" in ada.reads("/admin/policy/changes", script="thai", **STRICT)
    assert "None of these comments" in ada.reads("/admin/policy/changes", label="threat", **STRICT)
    assert ada.opens("/admin/policy/changes", label="rude", **STRICT).status_code == 404


def test_thresholds_that_are_none_are_refused_and_nothing_is_shown(ada):
    answer = ada.opens("/admin/policy/changes", **STRICT | {"hold_toxicity": "much"})

    assert answer.status_code == 422
    assert "A threshold is a number from 0 to 1" in words(answer.text)


def test_a_goal_finds_thresholds_that_are_loaded_and_not_saved(ada, site):
    page = ada.opens("/admin/policy/goal", hours="0.05", days="all").text

    assert "What does it" in words(page)
    address = html.unescape(re.search(r'href="([^"]+)">Load into the form', page)[1])
    loaded = ada.opens(address).text

    assert "Nothing is saved yet." in words(loaded)
    assert '"hours": "0.05"' in html.unescape(loaded)
    hours = figure(loaded, "Work of moderators")[1]
    assert int(hours.split()[0]) <= 4
    with site.database.reading() as session:
        assert policies.in_force(session).id == 1


def test_a_goal_that_cannot_be_shown_is_answered_in_words(ada):
    page = ada.reads("/admin/policy/goal", missed="1000", days="all")

    assert "Nothing does it" in page
    assert "more audited comments" in page


def test_a_goal_that_is_none_is_refused_and_kept(ada):
    for name, typed, says in (
        ("missed", "1", "from 2 to 100000"),
        ("agree", "many", "from 1 to 100"),
        ("hours", "-1", "Hours a day"),
        ("hours", "nan", "Hours a day"),
    ):
        answer = ada.opens("/admin/policy/goal", **{name: typed})

        assert answer.status_code == 422
        assert says in words(answer.text)
        assert f'value="{typed}"' in answer.text
    assert "There is no such label" in ada.reads("/admin/policy/goal", label="rude", hours="1")


def test_curves_are_drawn_where_enough_is_known(ada):
    page = ada.opens("/admin/policy/curves", days="all").text

    assert "Toxicity: precision and recall by threshold" in page
    assert "more audited comment" in words(page)


def test_thresholds_in_an_address_that_are_none_keep_what_was_typed(ada):
    answer = ada.opens("/admin/policy", hold_toxicity="2")

    assert answer.status_code == 422
    assert 'value="2"' in answer.text
