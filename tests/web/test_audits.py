"""Blind audits and golden cases: unmarked to whoever judges anew, and to nobody else a secret."""

import re

import pytest
from sqlalchemy import select

from forum.accounts import Role
from moderation import audits, quality
from moderation.audits import Shares
from moderation.tables import Audit, Case
from tests.people import words

INSULT = "You stupid idiot, shut up."
TEA = "Milk goes in first, as anybody knows."


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
def lea(site):
    return site.person("Lea", Role.MODERATOR)


@pytest.fixture
def ada(site):
    return site.person("Ada", Role.ADMIN)


@pytest.fixture
def shares(database):
    """Put shares in force."""

    def set_(**given):
        with database.writing() as session:
            based_on, _ = audits.in_force(session)
            audits.adopt(session, Shares(**given), author=1, based_on=based_on)

    return set_


def audits_of(database):
    with database.reading() as session:
        return list(session.scalars(select(Audit).order_by(Audit.id)))


def status(database, case_id):
    with database.reading() as session:
        return session.get_one(Case, case_id).status


EVERY = dict.fromkeys(
    ["published", "near", "held", "rejected", "approved_by_people", "rejected_by_people"], 1.0
)


def test_nothing_is_audited_before_an_admin_says_so(site, ann, mona, work, database):
    ann.comments(TEA)
    ann.comments(INSULT)
    work()
    mona.rejects(INSULT)
    assert audits_of(database) == []


def test_what_the_machine_published_comes_like_a_held_case(site, ann, mona, work, shares, database):
    shares(**EVERY)
    ann.comments(TEA)
    ann.comments(INSULT)
    work()

    published, held = mona.case_of(TEA), mona.case_of(INSULT)

    assert ann.sees(TEA), "readers still see it"
    assert "Held 2" in mona.reads("/review")

    def page_without_words(case):
        page = mona.opens(f"/review/cases/{case.id}").text
        mona.sends(f"/review/cases/{case.id}/leave")
        plain = words(re.search(r"<main.*</main>", page, re.S)[0])
        return re.sub(r"(?i)(case) \d+", r"\1", plain.replace(TEA, "…").replace(INSULT, "…"))

    page = page_without_words(published)
    assert page == page_without_words(held)
    assert "0 published, 2 held" in page
    assert published.version == held.version == 2
    for path in ("/review?show=published", f"/review/authors/{ann.account_id}", "/review/log"):
        seen = mona.reads(path)
        assert "published by" not in seen
        assert "1 published" not in seen
        assert "✓ published" not in seen
    assert TEA not in mona.reads("/review", show="published")
    assert "judged this comment" not in mona.reads("/review/log")


def test_no_filter_by_scores_finds_what_is_judged_by_its_words_alone(ann, mona, work, shares):
    shares(**EVERY)
    ann.comments(TEA)
    ann.comments(INSULT)
    work()
    assert "Held 2" in mona.reads("/review")
    assert "Held 0" in mona.reads("/review", label="toxicity", least="0.01")
    assert "Held 0" in mona.reads("/review", held_for="score")


def test_an_auditor_who_agrees_changes_nothing(ann, mona, work, shares, database):
    shares(published=1.0, near=1.0)
    ann.comments(TEA)
    work()

    answer = mona.approves(TEA)

    assert "Approved." in words(answer.text)
    assert "Held 0" in mona.reads("/review")
    assert ann.sees(TEA)
    (audit,) = audits_of(database)
    assert (audit.answer, audit.expected, audit.share) == ("approve", "approve", 1.0)
    assert audit.unmarked
    assert "Mona judged this comment by Ann" in mona.reads("/review/log")


def test_an_auditor_who_differs_calls_a_third(site, ann, mona, max_, work, shares, database):
    shares(published=1.0, near=1.0)
    ann.comments(TEA)
    work()

    mona.rejects(TEA)

    assert ann.sees(TEA), "the status changes only when the third decides"
    assert "Held 0 Reported 1" in max_.reads("/review")
    case = max_.case_of(TEA, "reported")
    assert "Two judged this comment and differ" in case.text
    own = mona.decides(mona.case_of(TEA, "reported"), "reject", reason="harassment")
    assert own.status_code == 422
    assert "a third person decides" in words(own.text)
    max_.decides(case, "reject", show="reported", reason="harassment")
    assert site.person(role=None).cannot_see(TEA)
    assert "Reported 0" in max_.reads("/review")
    (audit,) = audits_of(database)
    assert audit.settled_id is not None


def test_a_moderators_decision_is_judged_anew_as_if_it_had_not_been_made(
    ann, mona, max_, work, shares, database
):
    shares(rejected_by_people=1.0, approved_by_people=1.0)
    ann.comments(INSULT)
    work()
    before = max_.case_of(INSULT)
    page_before = words(max_.opens(f"/review/cases/{before.id}").text)
    max_.sends(f"/review/cases/{before.id}/leave")

    mona.rejects(INSULT)

    assert "Held 0" in mona.reads("/review"), "not to who decided it"
    assert "Held 1" in max_.reads("/review")
    after = max_.case_of(INSULT)
    assert (after.version, after.text) == (before.version, before.text)
    assert words(max_.opens(f"/review/cases/{before.id}").text) == page_before
    assert "Mona" not in max_.reads("/review/log")
    assert "Mona rejected" in mona.reads("/review/log")
    assert "rejected" in mona.reads(f"/review/cases/{before.id}")
    assert "Max has it" not in mona.reads(f"/review/cases/{before.id}")

    assert max_.decides(before, "approve").status_code == 200, "also from a page opened before"
    assert status(database, before.id) == "rejected"
    assert "Appeals 1" in mona.reads("/review")
    assert "Publish after all" in words(mona.opens("/review", show="appeals").text)


def test_an_answer_is_taken_back_like_a_decision(ann, mona, max_, work, shares, database):
    shares(rejected_by_people=1.0)
    ann.comments(INSULT)
    work()
    mona.rejects(INSULT)
    answer = max_.approves(INSULT)
    undo = re.search(r'action="(/review/decisions/\d+/undo)"', answer.text)
    assert mona.sends(undo[1]).status_code == 404, "the answer is not hers"

    max_.sends(undo[1])

    assert "Held 1 Reported 0 Appeals 0" in max_.reads("/review")
    assert audits_of(database)[-1].answer == ""


def test_who_takes_the_decision_back_ends_its_audit(ann, mona, max_, work, shares, database):
    shares(**EVERY)
    ann.comments(INSULT)
    work()
    answer = mona.rejects(INSULT)
    undo = re.search(r'action="(/review/decisions/\d+/undo)"', answer.text)
    mona.sends(undo[1])

    assert "Held 1" in mona.reads("/review")
    max_.approves(INSULT)
    assert status(database, 1) == "published"
    strata = [(audit.stratum, audit.answer) for audit in audits_of(database)]
    assert strata == [("held", "approve"), ("rejected_by_people", ""), ("approved_by_people", "")]


def test_of_two_auditors_one_answers(ann, mona, max_, work, shares):
    shares(published=1.0, near=1.0)
    ann.comments(TEA)
    work()
    seen = max_.case_of(TEA)
    mona.approves(TEA)
    answer = max_.decides(seen, "approve")
    assert answer.status_code == 409
    assert "Mona was faster" in words(answer.text)


def test_a_report_makes_an_audit_an_open_matter(site, ann, mona, work, shares, database):
    shares(published=1.0, near=1.0)
    ann.comments(TEA)
    work()
    ben = site.person("Ben")
    ben.sends(f"/comments/{ben.id_of(TEA)}/report", reason="spam")
    assert "Held 0 Reported 1" in mona.reads("/review")
    mona.approves(TEA, "reported")
    (audit,) = audits_of(database)
    assert (audit.answer, audit.unmarked) == ("approve", False)


def percents(**given):
    plain = dict.fromkeys([*EVERY, "golden"], "0") | {"nearness": "50", "newcomer": "100"}
    return {"based_on": 0} | plain | given


def test_an_admin_sets_the_shares_and_reads_what_is_missing(ann, mona, ada, work, database):
    answer = ada.sends("/admin/quality", **percents(published="100", near="100"))
    assert "The new shares count" in words(answer.text)
    ann.comments(TEA)
    work()
    mona.approves(TEA)

    page = ada.reads("/admin/quality")

    assert re.search(r"at least \d+ more audited cases", page)
    assert "Published by the machine 1 1 1 0 0" in page
    assert "Mona" not in page
    late = ada.sends("/admin/quality", **percents(near="7.5"))
    assert late.status_code == 409
    assert 'value="7.5"' in late.text
    wrong = ada.sends("/admin/quality", **percents(near="101", based_on=1))
    assert wrong.status_code == 422
    assert mona.opens("/admin/quality").status_code == 403


def test_a_newcomer_gets_a_golden_case_and_reads_afterwards_why(
    site, ann, mona, ada, work, shares, clock
):
    ann.comments(INSULT)
    work()
    mona.rejects(INSULT)
    ada.sends("/admin/golden/1", why="It attacks a person.")
    assert "0 answered, 0 rightly" in ada.reads("/admin/quality")
    shares(golden=1.0)
    ann.comments(INSULT + " Yes, you.")
    work()
    nina = site.person("Nina", Role.MODERATOR)
    nina.rejects(INSULT + " Yes, you.")

    assert "Held 1" in nina.reads("/review")
    assert "Held 0" in mona.reads("/review")
    assert "hold threshold" in nina.case_of(INSULT).text
    nina.approves(INSULT)

    assert "Nothing yet" in nina.reads("/review/practice")
    clock.turn(minutes=11)
    practice = nina.reads("/review/practice")
    assert "you approved it; it is to be rejected" in practice
    assert "It attacks a person." in practice
    assert "1 answered, 0 rightly" in ada.reads("/admin/quality")
    assert "Nina judged" not in mona.reads("/review/log")
    assert "Nothing yet" in mona.reads("/review/practice")


def test_a_golden_case_without_a_word_why_keeps_the_form(ann, mona, ada, work):
    ann.comments(INSULT)
    work()
    mona.rejects(INSULT)

    empty = ada.sends("/admin/golden/1", why=" ")
    assert empty.status_code == 422
    assert "Newcomers read why it was decided so." in words(empty.text)
    assert re.search(r"<details[^>]* open>\s*<summary>A golden case", empty.text)
    assert 'aria-invalid="true"' in empty.text
    long = ada.sends("/admin/golden/1", why="Why? " * 300)
    assert long.status_code == 422
    assert "Why? Why? Why?" in long.text
    assert "None yet" in ada.reads("/admin/quality")


def test_what_is_counted_for_good_equals_the_log(
    site, ann, mona, work, database, clock, monkeypatch
):
    monkeypatch.setattr(quality, "PIECE", 3)
    for number in range(3):
        ann.comments(f"{INSULT} {number}")
    work()
    undo = re.search(r'"(/review/decisions/\d+/undo)"', mona.rejects(f"{INSULT} 0").text)
    mona.sends(undo[1])
    mona.approves(f"{INSULT} 0")
    with database.reading() as session:
        before = quality.counted(session)
    clock.turn(minutes=11)
    with database.writing() as session:
        assert quality.count_on(session)
        assert quality.count_on(session)
        assert not quality.count_on(session)
    with database.reading() as session:
        after = quality.counted(session)
    assert {k: v for k, v in after.items() if v} == {k: v for k, v in before.items() if v}
    assert after["2026-11", "held"] == 3
    assert after["2026-11", "approved_by_people"] == 1
    assert after["2026-11", "rejected_by_people"] == 0
