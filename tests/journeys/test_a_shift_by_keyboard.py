"""A moderator's shift by keyboard alone, with another moderator at the same queue."""

import re

import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from sqlalchemy import select

from forum import accounts, comments
from forum.accounts import Role
from forum.settings import read_settings
from moderation import decisions
from moderation.decisions import Kind
from moderation.policy import Status
from moderation.tables import Case, Decision
from tests.journeys.conftest import THREAD, until

FREE = read_settings(_env_file=None, comments_a_minute=100_000)


@pytest.fixture
def site(run):
    """A site with thirty held comments, the oldest first by their numbers."""
    site = run(worker=False)
    with site.database.writing() as session:
        author = accounts.sign_up(session, "Ann", password_hash="x")
        session.flush()
        for number in range(1, 31):
            draft = comments.draft(f"You fool, this is the {number}th time.", settings=FREE)
            posted = comments.post(
                session, THREAD.rpartition("/")[2], draft, author=author, settings=FREE
            )
            decisions.decide(session, posted.case_id, Kind.VERDICT, Status.HELD, version=1)
    site.serve()
    return site


def comes(site, open_page, name, path="/review?order=oldest", **options) -> Page:
    """Let a moderator come with the queue open."""
    client = site.person(name, Role.MODERATOR)
    page = open_page(site, **options)
    page.context.add_cookies(
        [{"name": "forum", "value": client.cookies["forum"], "url": site.address}]
    )
    page.goto(path)
    return page


def case(page: Page, number: int):
    return page.locator(f'.case[data-case="{number}"]')


def is_at(page: Page, number: int) -> None:
    expect(case(page, number)).to_have_attribute("aria-current", "true")


def status_of(site, number: int) -> str:
    with site.database.reading() as session:
        return session.get_one(Case, number).status


def test_two_moderators_work_a_queue_off_by_keyboard(site, open_page):
    mona = comes(site, open_page, "Mona")
    is_at(mona, 1)
    max_ = comes(site, open_page, "Max")
    expect(case(max_, 1)).to_contain_text("Mona has it until")
    is_at(max_, 2)
    expect(case(mona, 2)).to_contain_text("Max has it until")

    # Approved: the next free case is there at once, the count follows, others see it.
    mona.keyboard.press("a")
    is_at(mona, 3)
    expect(case(mona, 1)).to_contain_text("Approved.")
    expect(mona.locator("[data-count=held]")).to_have_text("29")
    expect(case(max_, 1)).to_contain_text("Mona approved this comment.")

    # Rejected for the second reason, and taken back with one key.
    mona.keyboard.press("2")
    is_at(mona, 4)
    expect(case(mona, 3)).to_contain_text("Rejected.")
    assert status_of(site, 3) == Status.REJECTED
    mona.keyboard.press("u")
    is_at(mona, 3)
    expect(mona.get_by_role("status")).to_contain_text("Case 3: taken back.")
    assert status_of(site, 3) == Status.HELD

    # Taken back, it can be decided anew; leafing goes both ways and never decides.
    mona.keyboard.press("1")
    is_at(mona, 4)
    mona.keyboard.press("j")
    is_at(mona, 5)
    mona.keyboard.press("k")
    is_at(mona, 4)

    # A reason that wants words asks for them; keys typed there are letters.
    last = mona.locator(".case[aria-current] select[name=reason] option").count() - 1
    mona.keyboard.press(str(last))
    expect(mona.get_by_label("In words, for case 4")).to_be_focused()
    mona.keyboard.type("a joke, again")
    mona.keyboard.press("Enter")
    is_at(mona, 5)
    expect(case(mona, 4)).to_contain_text("Rejected.")

    # More of the list comes before its end is reached.
    for number in range(5, 28):
        is_at(mona, number)
        mona.keyboard.press("a")
    is_at(mona, 28)
    expect(mona.locator("[data-count=held]")).to_have_text("4")

    with site.database.reading() as session:
        lines = session.scalars(
            select(Decision.case_id).where(Decision.kind.in_(decisions.BY_PEOPLE))
        ).all()
    assert sorted(set(lines)) == [1, *range(3, 28)]


def test_who_is_done_before_more_cases_come_goes_on_when_they_do(site, open_page):
    mona = comes(site, open_page, "Mona")
    said = mona.get_by_role("status")
    mona.route("**/review?*after=*", lambda route: route.fulfill(status=429))
    for number in range(1, 26):
        is_at(mona, number)
        mona.keyboard.press("a")
    expect(said).to_contain_text("More cases did not come.")

    waiting = []
    mona.unroute("**/review?*after=*")
    # Playwright marks what it calls, and a method of a list cannot be marked.
    mona.route("**/review?*after=*", lambda route: waiting.append(route))  # noqa: PLW0108

    def asks_for_more():
        # What was still refused, if the page asked once more before, is not the last word.
        mona.keyboard.press("j")
        mona.wait_for_timeout(10)
        return waiting

    until(asks_for_more, "the page asks for more cases")
    expect(said).to_have_text("More cases are on their way.")
    waiting[0].continue_()

    is_at(mona, 26)


def test_who_comes_second_is_told_and_keeps_what_was_typed(site, open_page):
    mona, max_ = comes(site, open_page, "Mona"), comes(site, open_page, "Max")
    is_at(mona, 1)
    is_at(max_, 2)
    mona.keyboard.press("n")
    mona.keyboard.type("Typed with care.")
    case(max_, 1).get_by_role("button", name="Approve").click()
    expect(case(mona, 1)).to_contain_text("Max approved this comment.")

    case(mona, 1).get_by_label("Reason").select_option(index=1)
    case(mona, 1).get_by_role("button", name="Reject").click()

    expect(mona.get_by_role("status")).to_contain_text("Your decision was not recorded")
    expect(case(mona, 1).get_by_label("In words")).to_have_value("Typed with care.")
    assert status_of(site, 1) == Status.PUBLISHED


def test_the_case_page_takes_the_same_keys(site, open_page):
    mona = comes(site, open_page, "Mona", "/review/next?order=oldest")
    expect(mona).to_have_url(f"{site.address}/review/cases/1?order=oldest")
    mona.keyboard.press("a")
    expect(mona.get_by_role("heading", level=1)).to_contain_text("Case 2")
    mona.keyboard.press("j")
    expect(mona.get_by_role("heading", level=1)).to_contain_text("Case 3")
    mona.keyboard.press("k")
    expect(mona.get_by_role("heading", level=1)).to_contain_text("Case 2")
    mona.keyboard.press("3")
    expect(mona.get_by_role("heading", level=1)).to_contain_text("Case 3")
    mona.keyboard.press("u")
    expect(mona.get_by_role("heading", level=1)).to_contain_text("Case 2")
    assert status_of(site, 2) == Status.HELD

    # The next page is here before it is asked for; a decision that came too late leads back.
    expect(mona).to_have_url(re.compile("/review/cases/2[?]"))
    max_ = site.person("Max", Role.MODERATOR)
    version = mona.locator("[name=version]").first.input_value()
    max_.post("/review/cases/2", data={"to": "approve", "version": version}, headers=origin(site))
    mona.keyboard.press("2")
    expect(mona.get_by_text("Max was faster and approved this comment.").first).to_be_visible()
    expect(mona.get_by_role("heading", level=1)).to_contain_text("Case 2")
    assert status_of(site, 2) == Status.PUBLISHED


def origin(site):
    return {"origin": site.address}


def is_clean(page: Page) -> None:
    found = Axe().run(page)["violations"]
    assert not found, [(v["id"], v["nodes"][0]["html"]) for v in found]
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not page.evaluate(wide)


@pytest.mark.looks
@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 1280)])
def test_the_list_of_keys_is_a_key_away_and_axe_finds_nothing(site, open_page, scheme, width):
    mona = comes(
        site,
        open_page,
        "Mona",
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        reduced_motion="reduce",
    )
    is_at(mona, 1)
    mona.keyboard.press("a")
    expect(case(mona, 1)).to_contain_text("Undo")
    mona.get_by_text("Filter and order").click()
    is_clean(mona)
    # Out of the field that was clicked.
    mona.locator("h1").click()
    mona.keyboard.press("?")
    is_clean(mona)
    expect(mona.get_by_role("dialog")).to_contain_text("reject: Harassment")
    mona.get_by_label("Single keys do something").uncheck()
    mona.keyboard.press("Escape")
    mona.keyboard.press("a")
    expect(case(mona, 2)).not_to_contain_text("Approved.")
