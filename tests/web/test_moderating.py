"""Moderators and admins: decide, undo, two at once, thresholds, the log."""

import re

import pytest

from forum.accounts import Role
from tests.people import words

INSULT = "You stupid idiot, shut up."


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
def ada(site):
    return site.person("Ada", Role.ADMIN)


@pytest.fixture
def stranger(site):
    return site.person(role=None)


@pytest.fixture
def insulted(ann, work):
    ann.comments(INSULT)
    work()


def test_the_queue_says_why_a_case_is_held(mona, insulted):
    case = mona.case_of(INSULT)
    assert "hold threshold" in case.text
    assert "Toxicity" in case.text
    assert "Ann" in case.text


def test_a_rejection_needs_a_reason_from_the_list(mona, insulted):
    case = mona.case_of(INSULT)
    assert mona.decides(case, "reject").status_code == 422
    assert mona.decides(case, "reject", reason="because").status_code == 422
    assert mona.decides(case, "reject", reason="other").status_code == 422
    assert mona.decides(case, "reject", reason="other", words="Rude.").status_code == 200


def test_of_two_moderators_one_decides_and_the_other_sees_who_was_faster(mona, max_, ann, insulted):
    seen_by_max = max_.case_of(INSULT)
    mona.rejects(INSULT)

    answer = max_.decides(seen_by_max, "approve")

    assert answer.status_code == 409
    assert "Mona was faster" in words(answer.text)
    assert "Your decision was not recorded" in words(answer.text)
    assert site_status(mona) == "rejected"


def site_status(moderator):
    """Where the one case stands, by the views it is in."""
    found = [
        show
        for show in ("held", "published", "rejected")
        if INSULT in moderator.reads("/review", show=show)
    ]
    assert len(found) == 1
    return found[0]


def test_undo_brings_the_case_back(mona, insulted):
    answer = mona.rejects(INSULT)
    undo = re.search(r'action="(/review/decisions/\d+/undo)"', answer.text)
    assert undo, "the next page offers to take it back"

    mona.sends(undo[1], show="held")

    assert site_status(mona) == "held"
    assert mona.sends(undo[1], show="held").status_code == 409, "once is enough"


def test_every_decision_stands_in_the_log(mona, ada, insulted):
    answer = mona.rejects(INSULT, reason="harassment")
    undo = re.search(r'action="(/review/decisions/\d+/undo)"', answer.text)
    mona.sends(undo[1])

    log = mona.reads("/review/log")

    assert log.index("took a decision on this comment back") < log.index("rejected this comment")
    assert log.index("rejected this comment") < log.index("judged this comment")
    assert "Harassment" in log
    assert "detoxify-mini" in log
    people = mona.reads("/review/log", by="people")
    assert "judged this comment" not in people


def test_raising_a_threshold_changes_what_happens_next(ada, ann, mona, work, clock):
    policy = {f"hold_{name}": "1" for name in LABELS} | {f"reject_{name}": "" for name in LABELS}
    answer = ada.sends(
        "/admin/policy", based_on=1, mode="publish_unless_held", action="save", **policy
    )
    assert answer.status_code == 200

    ann.comments(INSULT)
    work()

    assert site_status(mona) == "published"


LABELS = ["toxicity", "severe_toxicity", "obscene", "threat", "insult", "identity_attack"]


def thresholds(hold):
    return {f"hold_{name}": hold for name in LABELS} | {f"reject_{name}": "" for name in LABELS}


def test_a_preview_shows_the_consequences_and_saves_nothing(ada, insulted):
    answer = ada.sends(
        "/admin/policy",
        based_on=1,
        mode="publish_unless_held",
        action="preview",
        note="Try",
        **thresholds("1"),
    )
    page = words(answer.text)
    assert answer.status_code == 200
    assert "Try" in answer.text
    assert "now" in page.lower()
    assert "then" in page.lower()
    assert not re.search(r"/admin/policy/2", answer.text)


def test_of_two_admins_the_second_sees_both_versions(site, ada):
    other = site.person("Ben", Role.ADMIN)
    ada.sends("/admin/policy", based_on=1, mode="publish_unless_held", **thresholds("0.61"))

    answer = other.sends(
        "/admin/policy", based_on=1, mode="publish_unless_held", **thresholds("0.72")
    )

    assert answer.status_code == 409
    assert "Ada" in answer.text
    assert "0.61" in answer.text
    assert "0.72" in answer.text
    saved = other.sends(
        "/admin/policy", based_on=2, mode="publish_unless_held", **thresholds("0.72")
    )
    assert saved.status_code == 200


def test_every_version_is_readable_and_can_be_restored(ada):
    ada.sends(
        "/admin/policy",
        based_on=1,
        mode="hold_everything",
        note="Election night",
        **thresholds("0.61"),
    )
    assert "Election night" in ada.reads("/admin/policy")
    assert ada.opens("/admin/policy/1").status_code == 200

    answer = ada.sends("/admin/policy/1", based_on=2)

    assert answer.status_code == 200
    assert "Version 1 restored" in words(answer.text)
    assert ada.opens("/admin/policy/3").status_code == 200


def test_holding_everything_holds_harmless_words_too(ada, ann, mona, work):
    ada.sends("/admin/policy", based_on=1, mode="hold_everything", **thresholds("0.5"))
    ann.comments("Milk first.")
    work()
    assert "holds every comment" in mona.case_of("Milk first.").text


def test_the_disclaimer_is_versioned_and_each_comment_remembers_its_own(site, ada, ann, mona, work):
    ann.comments(INSULT)
    work()
    ada.sends("/admin/disclaimer", text="Entirely new words.", based_on=1)

    assert ann.sees("Entirely new words.")
    case = mona.case_of(INSULT)
    assert "opinions of the people" in mona.reads(f"/review/cases/{case.id}")
    late = ada.sends("/admin/disclaimer", text="Other words.", based_on=1)
    assert late.status_code == 409
    assert "Other words." in late.text


def test_an_admin_changes_roles_but_not_the_own_one(ada, ann):
    ada.sends(f"/admin/accounts/{ann.account_id}", action="role", role="moderator")
    assert ann.opens("/review").status_code == 200

    answer = ada.sends(f"/admin/accounts/{ada.account_id}", action="role", role="reader")
    assert answer.status_code == 403


def test_a_one_time_password_leads_to_choosing_another(site, database):
    from forum import accounts

    with database.writing() as session:
        _, password = accounts.create(session, "New admin", role=Role.ADMIN)
    newcomer = site.person(role=None)
    newcomer.sends("/sign-in", name="New admin", password=password)

    assert "new password" in newcomer.reads("/admin/policy").lower()
    assert newcomer.opens("/static/forum.css").headers["content-type"].startswith("text/css")
    newcomer.sends("/account/password", password="a better one, mine", again="a better one, mine")
    assert newcomer.opens("/admin/policy").url.path == "/admin/policy"
    stranger = site.person(role=None)
    assert stranger.sends("/sign-in", name="New admin", password=password).status_code == 422


def test_a_decision_can_be_taken_back_from_its_case_later(mona, insulted):
    case = mona.case_of(INSULT)
    mona.rejects(INSULT)
    page = mona.opens(f"/review/cases/{case.id}").text
    undo = re.search(r'action="(/review/decisions/\d+/undo)"', page)

    mona.sends(undo[1], show="held")

    assert site_status(mona) == "held"


def test_case_counts_are_what_a_click_shows(mona, ann, work, clock):
    for number in range(3):
        ann.comments(f"{INSULT} {number}")
    work()
    page = mona.reads("/review")
    assert "3" in page
    for number in range(3):
        mona.approves(f"{INSULT} {number}")
    assert INSULT not in mona.reads("/review")


def test_a_comment_that_waits_for_its_scores_cannot_be_decided(mona, ann, stranger, work):
    ann.comments("Milk first.")
    assert "Still being checked" in mona.reads("/review/cases/1")

    answer = mona.sends("/review/cases/1", to="approve", version=1)

    assert answer.status_code == 422
    assert "still being checked" in words(answer.text)
    assert stranger.cannot_see("Milk first.")
    work()
    assert stranger.sees("Milk first.")


@pytest.mark.site(guests=True)
def test_an_admin_finds_a_guest_by_name_and_closes_the_account(site, ada, work):
    guest = site.person(role=None)
    guest.comments("Milk first.", name="Passer-by")
    page = ada.opens("/admin/accounts", name="passer").text
    number = re.search(r'action="/admin/accounts/(\d+)"', page)

    ada.sends(f"/admin/accounts/{number[1]}", action="close")

    assert "Passer-by" not in ada.reads("/admin/accounts")
    assert "Sign in" in guest.reads("/account")
