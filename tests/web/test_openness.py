"""What the site tells of its moderation: the public log, the transparency report, the switches."""

import csv
import io
import re
from datetime import date

import pytest
from sqlalchemy import select

from forum import comments, removals, transparency
from forum.accounts import Account, Role
from forum.articles import ArticleText
from forum.settings import read_settings
from forum.transparency import plain_cell
from moderation import audits, decisions, sampling
from moderation.audits import Shares
from moderation.decisions import Kind
from moderation.policy import Status
from moderation.tables import Audit, Decision, time_of
from tests.people import words

INSULT = "You stupid idiot, shut up."
FREE = read_settings(_env_file=None, comments_a_minute=100_000)
SLUG = "the-town-that-argues-about-tea"
AT_ONCE = {"mode": "publish_unless_held", "hold_insult": "0.1", "reject_insult": "0.2"}


@pytest.fixture
def ada(site):
    return site.person("Ada Admin", Role.ADMIN)


@pytest.fixture
def mona(site):
    return site.person("Mona", Role.MODERATOR)


@pytest.fixture
def max_(site):
    return site.person("Max", Role.MODERATOR)


@pytest.fixture
def stranger(site):
    return site.person(role=None)


@pytest.fixture
def days_pass(site, clock):
    """Let days go by, and what was over be kept."""

    def pass_(days=1):
        clock.turn(days=days)
        transparency.catch_up(site.database, site.settings.zone)

    return pass_


def insult(number=0):
    """An insult, in words of its own each time."""
    names = ("Anna", "Bert", "Carl", "Dora", "Emil", "Fritz", "Gerd", "Hans")
    return f"You stupid idiot {names[number]}, shut up."


def lines(page):
    """The lines of the public log, as words."""
    return [words(row) for row in re.findall(r"<tr>\s*<td.*?</tr>", page.text, re.S)]


def figures(person, **query):
    """The report as CSV, by part, figure and scope."""
    answer = person.opens("/moderation/report.csv", **query)
    assert answer.status_code == 200
    rows = csv.DictReader(io.StringIO(answer.text))
    return {(row["part"], row["figure"], row["scope"]): row["value"] for row in rows}


def appeals(person):
    notice = re.search(r'href="(/notices/\d+)"', person.opens("/notices").text)[1]
    assert person.sends(notice + "/appeal", words="I quoted.").status_code == 200


def test_the_log_tells_what_was_removed_but_not_whose_nor_by_whom(
    site, mona, stranger, work, days_pass
):
    ann = site.person("Ann")
    ann.comments(INSULT)
    work()
    mona.rejects(INSULT, reason="harassment", words="Poor Bert.")
    assert "the first day is not over" in stranger.reads("/moderation")

    days_pass()

    page = stranger.opens("/moderation")
    assert lines(page) == [
        "22 Nov Harassment rule 2, Be fair to people other sections a person within a minute –"
    ]
    for secret in ("Ann", "Mona", "idiot", "Bert", "Life", "12:00", "tea", "decisions/"):
        assert secret not in page.text.replace("What was removed", "")


def test_a_day_is_told_when_it_is_over(site, mona, stranger, work, clock):
    site.person("Ann").comments(INSULT)
    work()
    mona.rejects(INSULT)

    for hours, told in ((11, 0), (1, 0), (1, 1)):
        clock.turn(hours=hours)
        transparency.catch_up(site.database, site.settings.zone)
        assert len(lines(stranger.opens("/moderation"))) == told


def test_a_section_is_named_when_it_has_many(site, mona, stranger, work, days_pass):
    for number in range(removals.NAMED_FROM):
        assert "Life" not in stranger.reads("/moderation")
        site.person(f"Reader {number}").comments(insult(number))
        work()
        mona.rejects(insult(number))
    days_pass()
    assert stranger.reads("/moderation").count("Life") == removals.NAMED_FROM


def test_what_was_taken_back_the_same_day_was_never_removed(site, mona, stranger, work, days_pass):
    site.person("Ann").comments(INSULT)
    work()
    answer = mona.rejects(INSULT)
    mona.sends(re.search(r'action="(/review/decisions/\d+/undo)"', answer.text)[1])
    days_pass()
    assert lines(stranger.opens("/moderation")) == []
    assert "Nothing was removed in this month" in stranger.reads("/moderation")


def test_how_an_appeal_ended_is_told_the_day_after(
    site, ada, mona, max_, stranger, work, days_pass
):
    ada.sends("/admin/policy", based_on=1, **AT_ONCE)
    ann = site.person("Ann")
    ann.comments(INSULT)
    work()
    days_pass()
    assert "the classifier within a minute –" in lines(stranger.opens("/moderation"))[0]

    appeals(ann)
    days_pass()
    assert "Appeal: not answered yet" in lines(stranger.opens("/moderation"))[0]

    max_.approves(INSULT, show="appeals")
    assert "Appeal: not answered yet" in lines(stranger.opens("/moderation"))[0]
    days_pass()
    assert "Appeal: published after all" in lines(stranger.opens("/moderation"))[0]


def test_a_rejection_after_an_appeal_is_no_second_removal(
    site, mona, max_, stranger, work, days_pass
):
    ann = site.person("Ann")
    ann.comments(INSULT)
    work()
    mona.rejects(INSULT, reason="harassment")
    days_pass()
    appeals(ann)
    max_.rejects(INSULT, reason="spam", show="appeals")
    days_pass()

    (line,) = lines(stranger.opens("/moderation"))
    assert "Harassment" in line
    assert "Appeal: the decision stands" in line


def test_a_long_month_has_pages_whose_addresses_tell_no_line_of_the_log(
    site, ada, stranger, work, days_pass, monkeypatch
):
    ada.sends("/admin/policy", based_on=1, **AT_ONCE)
    for number in range(5):
        site.person(f"Reader {number}").comments(insult(number))
    work()
    days_pass()
    monkeypatch.setattr(removals, "A_PAGE", 2)
    seen, path = 0, "/moderation"
    while path:
        page = stranger.opens(path)
        seen += len(lines(page))
        more = re.search(r'href="([^"]+)" rel="next"', page.text)
        path = more[1].replace("&amp;", "&") if more else ""
    assert seen == 5
    assert "5 removed in November 2026" in stranger.reads("/moderation")


def test_programs_read_the_log_as_json(site, ada, stranger, work, days_pass):
    ada.sends("/admin/words", words="viagra", means="reject", reason="spam")
    site.person("Ann").comments("Buy my viagra today.")
    work()
    days_pass()
    found = stranger.opens("/moderation.json").json()
    assert found["removals"] == [
        {
            "day": "2026-11-22",
            "reason": "Spam",
            "rule": 6,
            "rule_title": "No advertising",
            "section": "other sections",
            "decided_by": "words",
            "time_to_act": "within a minute",
            "outcome": None,
        }
    ]
    assert (found["month"], found["until"], found["next"]) == ("2026-11", "2026-11-22", None)


@pytest.mark.parametrize("path", ["/moderation", "/moderation.json", "/moderation/report"])
@pytest.mark.parametrize("month", ["2026-13", "November", "2026-1", "1999-01", "٢٠٢٦-١١", "'"])
def test_a_month_that_there_is_not_is_not_found(site, ada, days_pass, path, month):
    assert ada.opens(path, month=month).status_code == 404


def test_an_admin_turns_the_log_off_and_the_report_on(site, ada, mona, stranger, work, days_pass):
    site.person("Ann").comments(INSULT)
    work()
    days_pass()
    assert "What was removed" in stranger.reads("/rules")
    assert stranger.opens("/moderation/report").status_code == 404
    assert mona.opens("/moderation/report.csv").status_code == 404
    assert "Admins alone see this" in ada.reads("/moderation/report")

    ada.sends("/admin/switches", name="public_log", to="off")
    answer = ada.sends("/admin/switches", name="public_report", to="on")

    assert "Turned." in words(answer.text)
    assert "turned on by Ada Admin" in words(answer.text).replace("Turned", "turned")
    assert stranger.opens("/moderation").status_code == 404
    assert stranger.opens("/moderation.json").status_code == 404
    assert ada.opens("/moderation").status_code == 200
    assert stranger.opens("/moderation/report").status_code == 200
    assert "What was removed" not in stranger.reads("/rules")
    assert "transparency report" in stranger.reads("/rules")
    log = mona.reads("/review/acts")
    assert "Ada Admin turned a switch: Public log: off" in log
    assert "Public transparency report: on" in log


def test_a_switch_that_there_is_not_is_refused(ada):
    assert ada.sends("/admin/switches", name="nothing", to="on").status_code == 400
    assert ada.sends("/admin/switches", name="public_log", to="up").status_code == 400
    ada.sends("/admin/switches", name="public_log", to="on")
    assert "public" not in ada.reads("/review/acts").lower()


def test_the_report_counts_a_month(site, ada, mona, max_, work, days_pass, clock):
    ada.sends("/admin/policy", based_on=1, **AT_ONCE)
    ann, bob = site.person("Ann"), site.person("Bob")
    # Two by the machine, one of which is overturned on appeal.
    ann.comments(insult(0))
    bob.comments(insult(1))
    # One that is published, reported, and removed two hours later; and a report that is not right.
    ann.comments("The tea of this town is a scandal.")
    bob.comments("I like the milk in first.")
    work()
    for text, reader in (("is a scandal", bob), ("milk in first", ann)):
        reader.sends(f"/comments/{reader.id_of(text)}/report", reason="spam")
    clock.turn(hours=2)
    mona.rejects("is a scandal", reason="off_topic", show="reported")
    mona.approves("milk in first", show="reported")
    appeals(bob)
    clock.turn(hours=1)
    max_.approves(insult(1), show="appeals")
    ada.sends(f"/review/authors/{bob.account_id}", kind="mute", days="3", words="Enough.")
    days_pass()

    found = figures(ada)
    assert {key: value for key, value in found.items() if value not in ("", "0")} == {
        ("notices", "received", ""): "2",
        ("notices", "received_for", "Spam"): "2",
        ("notices", "led_to_removal", ""): "1",
        ("notices", "led_to_nothing", ""): "1",
        ("notices", "median_time", ""): "7200",
        ("notices", "p90_time", ""): "7200",
        ("own_initiative", "removed", ""): "2",
        ("removals", "total", ""): "3",
        ("removals", "for_reason", "Harassment"): "2",
        ("removals", "for_reason", "Off topic"): "1",
        ("removals", "under_rule", "2, Be fair to people"): "2",
        ("removals", "under_rule", "1, Stay with the subject"): "1",
        ("removals", "found_by", "the classifier"): "2",
        ("removals", "found_by", "a report"): "1",
        ("removals", "p90_time_to_act", ""): "7200",
        ("automation", "checked", ""): "4",
        ("automation", "by_machine", ""): "2",
        ("automation", "by_person", ""): "1",
        ("automation", "share_automated", ""): "0.6667",
        ("automation", "overturned_machine", ""): "1",
        ("automation", "error_rate_machine", ""): "0.5",
        ("complaints", "received", ""): "1",
        ("complaints", "overturned", ""): "1",
        ("complaints", "median_time", ""): "3600",
        ("complaints", "p90_time", ""): "3600",
        ("sanctions", "given", "mute"): "1",
    }
    assert found["not_known", "active_readers", ""] == ""


def test_what_audits_tell_is_in_the_report_with_its_interval(site, ada, database, days_pass):
    with database.writing() as session:
        audits.adopt(session, Shares(published=1.0, rejected=1.0), author=1, based_on=0)
    bob = site.person("Bob")
    with database.writing() as session:
        author = session.get_one(Account, bob.account_id)
        for number in range(43):
            draft = comments.draft(f"Tea of the year {number}.", settings=FREE)
            case_id = comments.post(session, SLUG, draft, author=author, settings=FREE).case_id
            to = Status.PUBLISHED if number >= 40 else Status.REJECTED
            decisions.decide(session, case_id, Kind.VERDICT, to, version=1)
    with database.writing() as session:
        for number, audit in enumerate(session.scalars(select(Audit).order_by(Audit.id))):
            audit.answer = "reject" if 4 <= number < 40 else "approve"
            audit.answered_by, audit.ended_at = ada.account_id, time_of(session)
    days_pass()

    found = figures(ada)
    low, high = sampling.wilson(0.1, 40)
    removed, published = "audit_removed_machine", "audit_published_machine"
    assert found["automation", f"{removed}_looked_at", ""] == "40"
    assert found["automation", removed, ""] == "0.1"
    assert found["automation", removed, "at least"] == f"{round(low, 4)}"
    assert found["automation", removed, "at most"] == f"{round(high, 4)}"
    # Of three nothing is known.
    assert found["automation", f"{published}_looked_at", ""] == "3"
    assert found["automation", published, ""] == ""
    assert ("automation", "audit_removed_person", "") not in found
    page = ada.reads("/moderation/report")
    assert "Automated removals judged anew by somebody else 40" in page
    assert "wrongly removed at most" in page


def test_page_and_csv_have_the_same_numbers(site, ada, mona, work, days_pass):
    for number in range(3):
        site.person(f"Reader {number}").comments(insult(number))
        work()
        mona.rejects(insult(number))
    days_pass()
    page = ada.opens("/moderation/report").text
    assert re.findall(r'<data value="([^"]*)">', page) == list(figures(ada).values())
    assert "Removed in all 3" in words(page)


def test_what_is_reversed_or_taken_back_later_is_a_mistake(
    site, ada, mona, max_, work, days_pass, clock
):
    ada.sends("/admin/policy", based_on=1, **AT_ONCE)
    site.person("Ann").comments(insult(0))
    work()
    max_.approves(insult(0), show="rejected")
    ada.sends("/admin/policy", based_on=2, mode="publish_unless_held", hold_insult="0.1")
    site.person("Bob").comments(insult(1))
    work()
    answer = mona.rejects(insult(1))
    days_pass()
    mona.sends(re.search(r'action="(/review/decisions/\d+/undo)"', answer.text)[1])
    days_pass()

    found = figures(ada)
    assert found["automation", "approved_machine", ""] == "1"
    assert found["automation", "error_rate_machine", ""] == "1"
    assert found["automation", "reversed_person", ""] == "1"
    assert found["automation", "taken_back", ""] == "1"
    assert found["automation", "error_rate_person", ""] == "1"


def test_a_closed_month_stays_as_it_is_and_can_be_derived_anew(
    site, ada, mona, max_, work, days_pass
):
    ann = site.person("Ann")
    ann.comments(INSULT)
    work()
    mona.rejects(INSULT)
    days_pass(10)
    november = figures(ada, month="2026-11")
    assert november["removals", "total", ""] == "1"
    assert "the month is not over" not in ada.reads("/moderation/report", month="2026-11")
    assert "the month is not over" in ada.reads("/moderation/report")

    appeals(ann)
    max_.approves(INSULT, show="appeals")
    days_pass()

    assert figures(ada, month="2026-11") == november
    assert figures(ada, month="2026-12")["automation", "overturned_person", ""] == "1"

    transparency.catch_up(site.database, site.settings.zone, anew=True)
    assert figures(ada, month="2026-11") == november
    assert figures(ada)["automation", "overturned_person", ""] == "1"


@pytest.mark.site(time_zone="Pacific/Auckland")
def test_days_and_months_are_the_newsrooms(site, ada, mona, stranger, work, clock):
    # Noon in UTC of 30 November is the first hour of December there.
    clock.turn(days=8)
    site.person("Ann").comments(INSULT)
    work()
    mona.rejects(INSULT)
    clock.turn(days=1)
    transparency.catch_up(site.database, site.settings.zone)
    assert "1 Dec Harassment" in lines(stranger.opens("/moderation", month="2026-12"))[0]
    assert figures(ada, month="2026-12")["removals", "total", ""] == "1"


def test_two_servers_keep_a_day_once(site, mona, stranger, work, clock):
    site.person("Ann").comments(INSULT)
    work()
    mona.rejects(INSULT)
    clock.turn(days=1)
    zone = site.settings.zone
    with site.database.reading() as session:
        both = [removals.of_day(session, date(2026, 11, 22), zone) for _ in range(2)]
    with site.database.writing() as session:
        removals.keep(session, both[0])
    transparency.catch_up(site.database, zone)
    assert len(lines(stranger.opens("/moderation"))) == 1


def test_no_line_of_the_log_is_in_the_order_of_its_decision(site, ada, work, clock):
    """By chance alone they would be so once in 40,320 times."""
    ada.sends("/admin/policy", based_on=1, **AT_ONCE)
    for number in range(8):
        site.person(f"Reader {number}").comments(insult(number))
        work()
    clock.turn(days=1)
    transparency.catch_up(site.database, site.settings.zone)
    with site.database.reading() as session:
        kept = [
            number
            for (number,) in session.query(removals.Removal.decision_id).order_by(
                removals.Removal.id
            )
        ]
        assert sorted(kept) == [
            number
            for (number,) in session.query(Decision.id)
            .filter_by(to_status="rejected")
            .order_by(Decision.id)
        ]
    assert kept != sorted(kept)


def test_a_reason_that_looks_like_a_formula_is_none_in_the_csv(site, ada, mona, work, days_pass):
    ada.sends(
        "/admin/rules",
        what="reason",
        title='=HYPERLINK("http://evil.example")',
        clause="2",
        based_on="1",
    )
    site.person("Ann").comments(INSULT)
    work()
    mona.rejects(INSULT, reason="reason_9")
    days_pass()
    assert ("removals", "for_reason", '\'=HYPERLINK("http://evil.example")') in figures(ada)


@pytest.mark.parametrize(
    ("typed", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        (" =1", "' =1"),
        ("Harassment", "Harassment"),
        ("", ""),
    ],
)
def test_no_cell_is_a_formula(typed, cell):
    assert plain_cell(typed) == cell


def test_a_section_of_long_words_and_arabic_is_told_as_it_is(site, ada, stranger, work, days_pass):
    site.load(
        ArticleText(
            identity="a.txt",
            title="شاي",
            section="اقتصاد / تجارة",
            body="نص",
            disclaimer=None,
        )
    )
    ada.sends("/admin/policy", based_on=1, **AT_ONCE)
    slug = re.search(r'href="(/threads/[^"]+)"', stranger.opens("/").text)[1]
    for number in range(removals.NAMED_FROM):
        site.person(f"Reader {number}").sends(f"{slug}/comments", text=insult(number))
    work()
    days_pass()
    assert stranger.reads("/moderation").count("اقتصاد") == removals.NAMED_FROM


def test_admins_see_how_appeals_fare_where_they_answer_them(site, ada, mona, max_, work, clock):
    ann, bob = site.person("Ann"), site.person("Bob")
    ann.comments(insult(0))
    bob.comments(insult(1))
    work()
    mona.rejects(insult(0))
    mona.rejects(insult(1))
    appeals(ann)
    appeals(bob)
    clock.turn(hours=2)
    max_.approves(insult(0), show="appeals")

    said = "1 open. Of 2 in the last 90 days 1 is answered, 1 published after all (100 %), in the"
    assert f"{said} median after 2 h." in ada.reads("/review", show="appeals")
    assert "in the last 90 days" not in mona.reads("/review", show="appeals")
    assert "in the last 90 days" not in ada.reads("/review")
