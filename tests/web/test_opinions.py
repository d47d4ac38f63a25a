"""What others make of the same texts: a shadow's verdicts, and scores that were suggested."""

import re

import pytest

from forum import keys, suggestions
from forum.accounts import Role
from moderation import cases, lineup, policies
from moderation.policy import Policy, Threshold
from moderation.rescoring import Rescoring
from moderation.worker import Worker
from tests.people import words

OURS = Policy({"toxicity": Threshold(hold=0.8, reject=0.95)})


class Scale:
    """A classifier that reads its score in the text; the shadow turns those of some around."""

    labels, scripts, version = ("toxicity",), ("Latin",), "1"

    def __init__(self, name, turned=()):
        self.name, self.turned = name, turned

    def score(self, texts):
        return [{"toxicity": self._of(text)} for text in texts]

    def _of(self, text):
        value = float(text.split()[-1])
        return 1 - value if text in self.turned else value


@pytest.fixture
def ada(site):
    return site.person("Ada", Role.ADMIN)


def judged(site, how_many, turned):
    """Let comments with evenly spread scores be judged, and be read by a shadow, too."""
    old = Scale("old")
    with site.database.writing() as session:
        row = lineup.row_of(session, old.name, old.version)
        based_on = policies.in_force(session).id
        policies.adopt(session, OURS, author=None, based_on=based_on, classifier=row)
        for number in range(how_many):
            text = f"Tea number {number} scores {number / how_many:.3f}"
            cases.open_case(session, text, author=1, context=1)
    Worker(site.state.live.writing, old, at_once=how_many).round()
    texts = {f"Tea number {number} scores {number / how_many:.3f}" for number in turned}
    new = Scale("new", texts)
    with site.database.writing() as session:
        row = lineup.row_of(session, new.name, new.version)
        lineup.shadows(session, row)
    reading = Rescoring(site.database.writing, lambda _session, _cases: {})
    while reading.round(new, row, at_most=how_many):
        pass


def test_without_a_shadow_the_page_says_how_to_have_one(site, ada):
    assert "names one in FORUM_SHADOW" in ada.reads("/admin/shadow")


def test_with_too_few_comments_of_both_the_page_says_so(site, ada):
    judged(site, 10, turned=[])

    assert "Only 10 comments were scored by both" in ada.reads("/admin/shadow")


def test_where_both_agree_the_page_says_so(site, ada):
    judged(site, 60, turned=[])

    assert "Both would have decided alike on all of them." in ada.reads("/admin/shadow")


def test_an_admin_sees_what_the_shadow_would_have_decided_with_both_scores(site, ada):
    judged(site, 100, turned=[2, 98])

    page = ada.reads("/admin/shadow")

    assert "Of the newest 100 comments that both scored, 2 would have been decided" in page
    assert "published, and it would reject: 1" in page
    assert "rejected, and it would publish: 1" in page
    assert "published, and it would hold: 0" in page
    assert page.index("Tea number 98") < page.index("Tea number 2 ")
    assert "By the scores rejected; the shadow would publish it." in page
    case = page[page.index("Tea number 98") : page.index("Tea number 2 ")]
    assert "Toxicity in force 0.98 ▲ at or above a threshold 0.80 0.95 shadow 0.02 0.80 0.9" in case


def test_the_list_is_narrowed_to_one_kind(site, ada):
    judged(site, 100, turned=[2, 98])

    page = ada.reads("/admin/shadow", kind="published-rejected")

    assert "Tea number 2 " in page
    assert "Tea number 98" not in page


def test_a_kind_that_is_none_is_refused_in_words(site, ada):
    answer = ada.opens("/admin/shadow", kind="held-held")

    assert answer.status_code == 400
    assert "There is no such kind." in words(answer.text)


def test_a_long_list_goes_on_where_the_page_ended(site, ada):
    judged(site, 100, turned=[*range(16), *range(84, 100)])

    first = ada.opens("/admin/shadow").text
    (next_page,) = re.findall(r'href="(/admin/shadow\?before=\d+)" rel="next"', first)
    second = ada.opens(next_page).text

    seen = [re.findall(r">Case (\d+)<", page) for page in (first, second)]
    assert len(seen[0]) == 25
    assert seen[1]
    assert min(map(int, seen[0])) > max(map(int, seen[1]))


@pytest.fixture
def sent(site):
    """Keep suggestions, as the score API does."""

    def keep(*texts):
        with site.database.writing() as session:
            keys.create(session, "coral", a_minute=60)
            holder = next(iter(keys.listed(session)))
            for text in texts:
                suggestions.keep(
                    session, text, {"insult": 0.25}, key_id=holder.id, community="tea room"
                )

    return keep


def test_without_suggestions_the_page_says_so(ada):
    assert "Nobody has suggested a score yet." in ada.reads("/admin/suggestions")


def test_an_admin_reads_suggestions_and_removes_one(ada, sent):
    sent("Milk first.", "<b>Milk last.</b>")

    page = ada.opens("/admin/suggestions").text

    assert "coral" in page
    assert "community tea room" in words(page)
    assert words(page).count("Insult 0.25") == 2
    assert "&lt;b&gt;Milk last." in page
    number = re.search(r'name="suggestion" value="(\d+)"', page)[1]
    answer = ada.sends("/admin/suggestions", suggestion=number)
    assert "The suggestion is removed." in words(answer.text)
    assert "Milk last." not in answer.text
    assert "Milk first." in answer.text
    # Twice is as good as once: a colleague may have been faster.
    assert ada.sends("/admin/suggestions", suggestion=number).status_code == 200
    assert ada.sends("/admin/suggestions", suggestion="x").status_code == 400


def test_suggestions_are_turned_page_by_page(ada, sent):
    sent(*(f"Milk number {number}." for number in range(60)))

    first = ada.opens("/admin/suggestions").text
    (next_page,) = re.findall(r'href="(/admin/suggestions\?before=\d+)" rel="next"', first)
    second = ada.reads(next_page)

    assert "Milk number 59." in first and "Milk number 10." in first
    assert "Milk number 9." not in first
    assert "Milk number 9." in second and "Milk number 0." in second


def test_a_long_text_can_be_read_whole(ada, sent):
    sent("Milk. " * 200 + "The end.")

    page = ada.reads("/admin/suggestions")

    assert "The whole text, 1 208 characters" in page
    assert "The end." in page
