"""The main job in real browsers: article, comment, classifier, moderator, threshold."""

import pytest
from playwright.sync_api import Page, expect

from forum.accounts import Role
from tests.journeys.conftest import THREAD, until
from tests.people import PASSWORD

INSULT = "You stupid idiot, shut up."


@pytest.fixture
def site(run):
    site = run()
    site.serve()
    return site


def signs_in(page: Page, name: str) -> None:
    page.goto("/sign-in")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("You are signed in.")).to_be_visible()


def comments(page: Page, text: str) -> None:
    page.goto(THREAD)
    page.get_by_label("Your comment").fill(text)
    page.get_by_role("button", name="Post comment").click()


def test_from_an_article_to_a_threshold(site, open_page):
    site.person("Mona", Role.MODERATOR)
    site.person("Ada", Role.ADMIN)

    # A reader signs up and comments; the comment goes live on the open page, without reloading.
    reader = open_page(site, THREAD)
    reader.get_by_role("link", name="Sign up").first.click()
    reader.get_by_label("Name").fill("Ann")
    reader.get_by_label("Password").fill(PASSWORD)
    reader.get_by_role("main").get_by_role("button", name="Sign up").click()
    stranger = open_page(site, THREAD)
    comments(reader, "Milk first, always.")
    mine = reader.locator("article.comment", has_text="Milk first, always.")
    expect(mine).to_have_attribute("data-status", "published")

    # A stranger with the page open is told, and finds it.
    stranger.get_by_role("link", name="1 new comment").click()
    expect(stranger.get_by_text("Milk first, always.")).to_be_visible()

    # An insult is held: its author sees that, nobody else sees it.
    comments(reader, INSULT)
    insult = reader.locator("article.comment", has_text=INSULT)
    expect(insult).to_have_attribute("data-status", "held")
    stranger.reload()
    expect(stranger.get_by_text(INSULT)).to_have_count(0)

    # A moderator finds it with its scores and reasons, rejects it, takes that back, approves.
    moderator = open_page(site)
    signs_in(moderator, "Mona")
    moderator.get_by_role("link", name="Review").click()
    case = moderator.locator("article.case", has_text=INSULT)
    expect(case).to_contain_text("hold threshold")
    case.get_by_label("Reason").select_option("harassment")
    case.get_by_role("button", name="Reject").click()
    expect(insult).to_have_attribute("data-status", "rejected")
    moderator.get_by_role("button", name="Undo").click()
    moderator.get_by_role("button", name="Approve").click()
    expect(insult).to_have_attribute("data-status", "published")

    # An admin sees what a threshold would do, and saves it.
    admin = open_page(site)
    signs_in(admin, "Ada")
    admin.get_by_role("link", name="Policy").click()
    admin.locator("[name=hold_toxicity]").fill("0")
    admin.get_by_role("button", name="Preview").click()
    expect(admin.get_by_role("main")).to_contain_text("Then")
    # Every harmless sentence would be held, too: that takes a reason.
    admin.get_by_label("Why it should count all the same").fill("Trying it out.")
    admin.get_by_role("button", name="Save what was checked all the same").click()
    expect(admin.get_by_text("The new policy is in force")).to_be_visible()

    # From now on everything is held.
    comments(reader, "Tea first, then.")
    late = reader.locator("article.comment", has_text="Tea first, then.")
    expect(late).to_have_attribute("data-status", "held")


def test_everything_works_without_javascript(site, open_page):
    site.person("Ann")
    reader = open_page(site, java_script_enabled=False)
    signs_in(reader, "Ann")
    comments(reader, "Milk first, always.")
    expect(reader.get_by_text("Your comment is waiting")).to_be_visible()

    comment = reader.locator("article.comment", has_text="Milk first, always.")
    # At the moment of publishing one load may be without it; it is in the next.
    until(
        lambda: (
            (comment.count() and comment.get_attribute("data-status") == "published")
            or reader.goto(THREAD) is None
        ),
        "the comment is published when the page is loaded again",
    )
    expect(comment).to_have_attribute("data-status", "published")

    comment.get_by_role("link", name="Edit").click()
    reader.get_by_label("Your comment").fill("Tea first.")
    reader.get_by_role("button", name="Save").click()
    expect(reader.get_by_text("Tea first.")).to_be_visible()
