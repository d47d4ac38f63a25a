"""An admin moves thresholds as handles, sees at once what would happen, and saves."""

import numpy as np
import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import expect

from forum.accounts import Role
from moderation import cases, policies
from moderation.labels import NAMES
from moderation.policy import DEFAULT
from moderation.tables import Score

SCORES = [0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95]


@pytest.fixture
def site(run):
    """A site with seven scored comments, evenly spread over toxicity."""
    site = run(worker=False)
    with site.database.writing() as session:
        classifier = policies.in_force(session).classifier_id
        for toxicity in SCORES:
            case_id = cases.open_case(session, "Milk goes in first.", author=1, context=1)
            given = {**dict.fromkeys(NAMES, 0.001), "toxicity": toxicity}
            session.add(
                Score(
                    case_id=case_id,
                    revision=1,
                    classifier_id=classifier,
                    scored_at=session.info["time"],
                    **given,
                )
            )
    site.serve()
    return site


@pytest.fixture
def page(site, open_page):
    admin = site.person("Ada", Role.ADMIN)
    page = open_page(site)
    page.context.add_cookies(
        [{"name": "forum", "value": admin.cookies["forum"], "url": site.address}]
    )
    page.goto("/admin/policy")
    return page


def test_a_handle_is_dragged_and_moved_by_keys_and_the_counts_follow(site, page):
    hold = page.get_by_role("slider", name="Toxicity, hold from", exact=True)
    counts = page.locator(".policy-counts")
    number = page.locator("#hold_toxicity")
    expect(hold).to_have_attribute("aria-valuenow", str(DEFAULT.thresholds["toxicity"].hold))

    # By mouse: to about the middle.
    hold.scroll_into_view_if_needed()
    drawing = page.locator('[data-histogram="toxicity"]').bounding_box()
    grip = hold.bounding_box()
    page.mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2)
    page.mouse.down()
    page.mouse.move(drawing["x"] + drawing["width"] * (20 + 0.58 * 200 - 14) / 212, grip["y"] + 9)
    page.mouse.up()

    dragged = float(number.input_value())
    assert 0.5 < dragged < 0.65
    above = int((np.array(SCORES) >= dragged).sum())
    expect(counts).to_contain_text(f"Of the last 7 comments: {7 - above} published")
    expect(counts).to_contain_text(f"{above} held")
    then = page.locator('[data-then="held"]')
    expect(then).to_have_text(f"{above:.1f}")

    # By keys: a step, ten steps, never.
    hold.focus()
    page.keyboard.press("ArrowRight")
    expect(number).to_have_value(f"{dragged + 0.001:g}")
    page.keyboard.press("Home")
    expect(number).to_have_value("0")
    expect(counts).to_contain_text("0 published")
    page.keyboard.press("Delete")
    expect(number).to_have_value("")
    expect(hold).to_have_attribute("aria-valuetext", "never")
    expect(counts).to_contain_text("7 published")

    # By the number field; then it is told to a voice as well, and kept.
    number.fill("0.4")
    expect(hold).to_have_attribute("aria-valuenow", "0.4")
    expect(counts).to_contain_text("3 published")
    expect(page.locator("[data-counted]")).to_contain_text("4 held")
    page.get_by_role("button", name="Save as new version").click()
    expect(page.get_by_text("Version 2 is in force")).to_be_visible()
    with site.database.reading() as session:
        assert policies.in_force(session).policy.thresholds["toxicity"].hold == 0.4


@pytest.mark.looks
def test_what_is_typed_wrong_is_said_and_the_page_stays(page):
    page.locator("#hold_toxicity").fill("2")

    expect(page.locator(".policy-counts")).to_contain_text("A threshold is a number from 0 to 1")
    found = Axe().run(page)["violations"]
    assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []
