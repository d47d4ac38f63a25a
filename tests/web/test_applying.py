"""The policy in force applied to what is held already: seen before, one batch, taken back."""

import pytest

from forum import bulk
from forum.accounts import Role
from moderation import cases, history, policies
from moderation.labels import NAMES
from moderation.policy import Status
from moderation.tables import Batch, Case, Decision
from tests.people import words

CALM = "What a lovely cup of tea."
RUDE = ["You stupid idiot, shut up.", "You idiot, be quiet.", "What a stupid idiot you are."]
LENIENT = {f"hold_{name}": "1" for name in NAMES} | {f"reject_{name}": "" for name in NAMES}


@pytest.fixture
def ada(site):
    return site.person("Ada", Role.ADMIN)


@pytest.fixture
def mona(site):
    return site.person("Mona", Role.MODERATOR)


@pytest.fixture
def rude(site, work):
    """Three held comments, and one that is published; gives the cases of the held ones."""
    ann = site.person("Ann")
    for said in (*RUDE, CALM):
        ann.comments(said)
    work()
    with site.database.reading() as session:
        held = session.query(Case.id).where(Case.status == Status.HELD).order_by(Case.id)
        return [case_id for (case_id,) in held]


def saves(admin, based_on, **fields):
    return admin.sends(
        "/admin/policy", based_on=based_on, mode="publish_unless_held", action="save", **fields
    )


def statuses(site, case_ids):
    with site.database.reading() as session:
        return [session.get_one(Case, case_id).status for case_id in case_ids]


def test_a_milder_policy_is_applied_to_what_is_held_and_taken_back_as_one(site, ada, rude):
    saves(ada, 1, **LENIENT)
    assert statuses(site, rude) == [Status.HELD] * 3
    page = ada.reads("/admin/policy/held")
    assert "To publish 3" in page
    assert RUDE[0] in page

    draft = ada.sends("/admin/policy/held", based_on=2)
    assert "By version 2 ✓ published 3" in words(draft.text)
    assert statuses(site, rude) == [Status.HELD] * 3
    done = ada.sends(draft.url.path, to="verdict")

    assert "Decided by the policy: 3 comments." in words(done.text)
    assert statuses(site, rude) == [Status.PUBLISHED] * 3
    with site.database.reading() as session:
        lines = session.query(Decision).where(Decision.batch_id == 1).all()
        assert {(line.kind, line.actor, line.policy_version_id) for line in lines} == {
            ("verdict", ada.account_id, 2)
        }
        # What was decided when they came is what simulations are held against.
        known = history.read(session, policies.in_force(session).classifier_id)
        first = policies.version(session, 1).policy
        assert known.verdict.tolist() == history.judge_all(known, first).tolist()
        # Taken away unseen, they do not count as like those that people decided.
        assert set(known.stratum[known.verdict == history.HELD].tolist()) == {history.UNDRAWN}
    assert words(ada.opens("/review/log").text).count("applied the policy to this comment") == 3

    back = ada.sends(f"{draft.url.path}/undo")

    assert "Taken back: 3 comments." in words(back.text)
    assert statuses(site, rude) == [Status.HELD] * 3
    assert "is at or above the hold threshold" in ada.case_of(RUDE[0]).text
    with site.database.reading() as session:
        ground = cases.grounds(session, rude)[rude[0]]
    assert ground.decision.policy_version_id == 1


def test_what_people_have_to_do_with_is_left_alone(site, ada, mona, rude):
    mona.opens(f"/review/cases/{rude[0]}")
    saves(ada, 1, **LENIENT | {"reject_insult": "0.5", "hold_insult": "0.5"})
    page = ada.reads("/admin/policy/held")
    assert "To reject 2" in page
    assert "Left alone 1" in page
    draft = ada.sends("/admin/policy/held", based_on=2)
    # Opened since the draft was made.
    mona.opens(f"/review/cases/{rude[1]}")

    done = words(ada.sends(draft.url.path, to="verdict").text)

    assert "Decided by the policy: 1 comment. 1 left as it was." in done
    assert sorted(statuses(site, rude)) == [Status.HELD, Status.HELD, Status.REJECTED]


def test_a_policy_that_is_not_in_force_any_more_is_not_applied(site, ada, rude):
    saves(ada, 1, **LENIENT)
    draft = ada.sends("/admin/policy/held", based_on=2)
    saves(ada, 2, **LENIENT | {"hold_insult": "0.01"})

    assert ada.sends(draft.url.path, to="verdict").status_code == 409
    assert ada.sends("/admin/policy/held", based_on=2).status_code == 409
    nothing = ada.sends("/admin/policy/held", based_on=3)

    assert nothing.status_code == 422
    assert "all of it stays" in words(nothing.text)
    assert statuses(site, rude) == [Status.HELD] * 3


def test_moderators_neither_apply_a_policy_nor_take_it_back(site, ada, mona, rude):
    saves(ada, 1, **LENIENT)
    draft = ada.sends("/admin/policy/held", based_on=2)

    assert mona.opens("/admin/policy/held").status_code == 403
    assert mona.sends(draft.url.path, to="verdict").status_code == 403
    assert mona.sends(draft.url.path, to="approve").status_code == 422
    ada.sends(draft.url.path, to="verdict")
    assert mona.sends(f"{draft.url.path}/undo").status_code == 403
    assert statuses(site, rude) == [Status.PUBLISHED] * 3


def test_a_batch_that_was_killed_is_gone_on_with(site, ada, rude, monkeypatch):
    monkeypatch.setattr(bulk, "_APPLIED_AT_ONCE", 1)
    saves(ada, 1, **LENIENT)
    ada.sends("/admin/policy/held", based_on=2)
    with site.database.writing() as session:
        bulk.start(session, 1, bulk.Kind.VERDICT, moderator=_account(session, ada))
    with site.database.writing() as session:
        assert bulk.advance(session, 1)
    assert sorted(statuses(site, rude)) == [Status.HELD, Status.HELD, Status.PUBLISHED]

    ada.sends("/review/batches/1", to="on")

    assert statuses(site, rude) == [Status.PUBLISHED] * 3
    with site.database.reading() as session:
        assert session.get_one(Batch, 1).state == "done"


def _account(session, person):
    from forum.tables import Account

    return session.get_one(Account, person.account_id)
