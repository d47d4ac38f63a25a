"""An admin states a goal, is warned, rehearses, adopts, sees it come true, and goes back."""

from datetime import UTC, datetime, timedelta

import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import expect

from bench import scored
from forum.accounts import Role
from moderation import harmless, history, labels, policies
from moderation.history import STATUSES, judge_all
from moderation.suites import identity
from moderation.tables import Decision, SuitePiece
from tests.journeys.conftest import THREAD, until

CASES = identity.cases()
GROUP = CASES[0].group


@pytest.fixture
def site(run):
    """A running site with 2,000 comments, whose classifier takes fright at one group's name."""
    site = run()
    with site.database.writing() as session:
        classifier = policies.in_force(session).classifier_id
        for piece in session.query(SuitePiece).all():
            session.delete(piece)
        session.flush()
        others = [0.0] * (len(labels.NAMES) - 1)
        scores = [[0.06 if case.group == GROUP else 0.0, *others] for case in CASES]
        harmless.keep(session, classifier, 0, scores)
        scored.pour(session, 2000)
    site.serve()
    return site


def a_week_goes_by(site, number):
    """Let a week bring what the week before brought, judged by a version of the policy."""
    site.goes_ahead(days=8)
    week = timedelta(days=7)
    with site.database.writing() as session:
        version = policies.version(session, number)
        known = history.read(
            session, version.classifier_id, since=version.adopted_at - week, at_most=10_000
        )
        verdicts = zip(known.case_id, known.at, judge_all(known, version.policy), strict=True)
        session.add_all(
            Decision(
                case_id=int(case),
                revision=1,
                at=datetime.fromtimestamp(int(at), UTC) + week,
                kind="verdict",
                from_status="pending",
                to_status=STATUSES[status].value,
                policy_version_id=number,
            )
            for case, at, status in verdicts
        )
    site.serve()


def test_a_goal_is_looked_at_rehearsed_adopted_seen_to_come_true_and_taken_back(site, open_page):
    admin, reader = site.person("Ada", Role.ADMIN), site.person("Ann")
    page = open_page(site)
    page.context.add_cookies(
        [{"name": "forum", "value": admin.cookies["forum"], "url": site.address}]
    )

    # A goal fills in thresholds; one of them is then made stricter.
    page.goto("/admin/policy/goal?days=all")
    page.get_by_label("Work").fill("0.05")
    page.get_by_role("button", name="Find thresholds").click()
    page.get_by_role("link", name="Load into the form").click()
    expect(page.get_by_text("Nothing is saved yet.").first).to_be_visible()

    # What it would do is told before it is saved, and that it is worse for a group.
    page.locator("#hold_toxicity").fill("0.05")
    page.get_by_role("button", name="Preview").click()
    fairness = page.locator("#fairness")
    expect(fairness).to_contain_text("would be held or rejected")
    expect(fairness.get_by_role("row", name=GROUP)).to_be_visible()
    assert Axe().run(page)["violations"] == []
    page.get_by_role("button", name="Save as new version").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was saved")
    expect(page.locator("#hold_toxicity")).to_have_value("0.05")

    # So it is rehearsed first: it judges what comes in, and decides nothing.
    page.get_by_role("button", name="Rehearse…").click()
    page.get_by_label("For how many days").fill("2")
    page.get_by_label("Note").fill("Before the elections")
    page.get_by_role("button", name="Start the rehearsal").click()
    expect(page.get_by_text("The rehearsal has begun")).to_be_visible()
    origin = {"origin": site.address}
    for text in ("What a lovely cup of tea.", "You stupid idiot, shut up."):
        sent = reader.post(f"{THREAD}/comments", data={"text": text}, headers=origin)
        assert sent.status_code == 303
    until(
        lambda: "Of 2 comments judged so far" in admin.get("/admin/rehearsal").text,
        "both comments are judged by both policies",
    )
    page.reload()
    expect(page.get_by_role("row", name="Held 1 1 same")).to_be_visible()
    assert Axe().run(page)["violations"] == []

    # Adopting it takes a yes, with the reason that its version keeps.
    page.get_by_role("button", name="Put it in force").click()
    page.get_by_label("Why it should count all the same").fill("Two weeks of elections.")
    page.get_by_role("button", name="Put it in force all the same").click()
    expect(page.get_by_text("The rehearsed policy is in force")).to_be_visible()
    page.get_by_role("link", name="Back to the policy").click()
    expect(page.get_by_text("Version 2 is in force")).to_be_visible()
    page.goto("/admin/policy/2")
    expect(page.get_by_text("Two weeks of elections.")).to_be_visible()
    expect(page.get_by_text("when it has been in force for a day")).to_be_visible()

    # A week later the page says what came of it.
    a_week_goes_by(site, 2)
    page.reload()
    expect(page.get_by_text("All came as predicted.")).to_be_visible()
    expect(page.get_by_role("row", name="Held")).to_contain_text("as predicted")

    # And back: the version before is milder, so nobody has to say why.
    page.goto("/admin/policy/1")
    page.get_by_role("button", name="Restore version 1").click()
    expect(page.get_by_text("Version 3 is in force")).to_be_visible()
    with site.database.reading() as session:
        assert policies.in_force(session).policy == policies.version(session, 1).policy
