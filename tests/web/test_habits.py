"""How a moderator works: words covered, pauses suggested, labels left out. Nobody else sees it."""

import re

import pytest

from forum.accounts import Role
from tests.people import words

IDIOT = "You stupid idiot, shut up."
THREAT = "I will kill you and your whole family."
NEW = {"score": "0.8", "minutes": "60", "cases": ""}
COVER = re.compile(
    r'<label class="cover"><input type="checkbox" autocomplete="off" aria-label="[^"]+"><span>'
    r"(.*?)</span></label>"
)


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
def held(ann, work):
    ann.comments(IDIOT)
    ann.comments(THREAT)
    work()


def chooses(person, **fields):
    answer = person.sends("/review/habits", **{**NEW, **fields})
    assert "Saved. Nobody else sees it." in answer.text
    return answer


def covered(page):
    return COVER.findall(page.text)


def test_what_was_chosen_stands_in_the_form(mona, max_):
    chooses(mona, covers="1", cases="20", score="0,7", minutes="30", without_threat="1")

    page = mona.opens("/review/habits").text

    assert 'name="covers" value="1" checked' in page
    assert 'name="without_threat" value="1" checked' in page
    assert 'name="without_insult" value="1">' in page
    for name, value in (("cases", "20"), ("score", "0.7"), ("minutes", "30")):
        assert re.search(rf'name="{name}" [^>]*value="{value}"', page)
    assert "checked" not in max_.opens("/review/habits").text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"cases": "0"}, "1 to 500 cases"),
        ({"cases": "many"}, "whole number"),
        ({"minutes": ""}, "whole number"),
        ({"minutes": "99999"}, "1 to 1440 minutes"),
        ({"score": "2"}, "from 0 to 1"),
        ({"score": "nan"}, "from 0 to 1"),
        ({"score": "high"}, "from 0 to 1"),
    ],
)
def test_what_cannot_be_kept_comes_back_with_what_was_typed(mona, fields, said):
    answer = mona.sends("/review/habits", **{**NEW, "covers": "1", **fields})

    assert answer.status_code == 422
    assert said in words(answer.text)
    assert 'name="covers" value="1" checked' in answer.text
    assert all(f'value="{typed}"' in answer.text for typed in fields.values())


def test_words_that_hurt_are_covered_for_who_wants_it(mona, max_, ann, work):
    ann.comments("Those **niggers** and f*cking bitches & all.")
    work()
    chooses(mona, covers="1")

    for person in (mona, max_):
        person.sends("/review/batches", which="all")
    for path in ("/review", "/review/cases/1", "/review/batches/1"):
        assert {"niggers", "f*cking", "bitches"} <= set(covered(mona.opens(path)))
        assert not covered(max_.opens(path))
    bare = COVER.sub("", mona.opens("/review/cases/1").text)
    assert "niggers" not in bare and "bitches" not in bare
    assert " &amp; all." in bare


def test_a_word_that_carried_a_score_is_covered_wherever_the_case_says_it(mona, held):
    chooses(mona, covers="1")

    page = mona.opens("/review/cases/1")

    assert "idiot" in covered(page)
    assert "idiot" not in COVER.sub("", page.text)


def test_listed_words_are_covered_also_in_what_was_found(site, mona, ann, work):
    admin = site.person("Root", Role.ADMIN)
    admin.sends("/admin/words", what="add", means="hold", words="herbal tea", note="")
    ann.comments("Buy my Herbal  Tea now, it is the best herbal tea.")
    work()
    chooses(mona, covers="1")

    page = mona.opens("/review")

    assert "on the list of words to hold" in words(page.text)
    assert "herbal tea" not in words(COVER.sub("", page.text)).lower()


def test_a_label_that_is_left_out_is_offered_to_others_alone(mona, max_, held):
    chooses(mona, without_threat="1")

    queue = mona.reads("/review")

    assert IDIOT in queue and THREAT not in queue
    assert "1 case here is left out for you" in queue
    assert "Held 1" in queue
    others = max_.reads("/review")
    assert "Held 2" in others
    assert THREAT in others and "left out for you" not in others


def test_what_is_left_out_can_be_shown_all_the_same(mona, held):
    chooses(mona, without_threat="1")

    everything = mona.reads("/review", everything="1")

    assert IDIOT in everything and THREAT in everything
    assert "Nothing is left out." in everything


def test_next_passes_over_what_is_left_out(mona, held):
    chooses(mona, without_threat="1")
    first = mona.opens("/review/next")
    assert IDIOT in words(first.text)
    assert THREAT not in words(mona.sends("/review/cases/1", to="approve", version="2").text)

    assert "Nothing else waits here." in mona.reads("/review")
    assert THREAT in mona.reads("/review/next", everything="1")


def test_what_was_reported_for_a_label_is_left_out_with_it(site, mona, ann, work):
    ann.comments("What a lovely cup of tea.")
    work()
    bea = site.person("Bea")
    bea.sends("/comments/1/report", reason="hate", words="")
    chooses(mona, without_identity_attack="1")

    queue = mona.reads("/review", show="reported")

    assert "1 case here is left out for you" in queue and "Reported 0" in queue
    assert "lovely" not in queue
    assert "lovely" in mona.reads("/review", show="reported", everything="1")


def test_a_pause_is_suggested_after_so_many_grave_cases_until_it_is_put_away(mona, held, clock):
    chooses(mona, cases="1", score="0.5", minutes="30")
    assert "pause" not in mona.reads("/review")

    mona.rejects(IDIOT)
    said = mona.reads("/review")
    assert "in the last 30 minutes, 1 case scored 0.50 or more" in said
    assert "A short pause may do you good" in mona.reads("/review/cases/2")

    assert "pause may" not in words(mona.sends("/review/habits/rest", order="oldest").text)
    mona.rejects(THREAT, reason="threat")
    assert "pause may" in mona.reads("/review")
    clock.turn(minutes=31)
    assert "pause may" not in mona.reads("/review")


def test_nobody_else_sees_what_a_moderator_chose(site, mona, max_, held):
    admin = site.person("Root", Role.ADMIN)
    before = {path: admin.reads(path) for path in ("/review/log", "/review/acts")}
    chooses(mona, covers="1", cases="5", without_threat="1")

    for path, said in before.items():
        assert admin.reads(path) == said
    assert "left out for you" not in admin.reads("/review") + admin.reads("/admin/accounts")
    assert not covered(max_.opens("/review/cases/2"))


def test_readers_have_no_such_page(ann):
    assert ann.opens("/review/habits").status_code == 403
