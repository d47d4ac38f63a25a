"""What an admin is told and asked before thresholds count, and how a policy is rehearsed."""

import re
from html import unescape
from itertools import count

import pytest

from forum.accounts import Role
from moderation import harmless, labels, policies, rehearsals
from moderation.suites import identity
from moderation.tables import SuitePiece
from tests.people import words

CASES = identity.cases()
GROUP = CASES[0].group
FORM = {"mode": "publish_unless_held", "note": "Elections"} | dict.fromkeys(
    (f"{kind}_{name}" for name in labels.NAMES for kind in ("hold", "reject")), ""
)
WORSE = FORM | {"hold_toxicity": "0.05", "hold_insult": "0.13"}


@pytest.fixture
def ada(site):
    """An admin of a site whose classifier takes fright at one group's name."""
    with site.database.writing() as session:
        classifier = policies.in_force(session).classifier_id
        for piece in session.query(SuitePiece).all():
            session.delete(piece)
        session.flush()
        scores = [
            [0.06 if case.group == GROUP else 0.0] + [0.0] * (len(labels.NAMES) - 1)
            for case in CASES
        ]
        harmless.keep(session, classifier, 0, scores)
    return site.person("Ada", Role.ADMIN)


def in_force(site):
    with site.database.reading() as session:
        return policies.in_force(session)


def hidden(page, button):
    """The fields of the form that has this button, as its page has them."""
    (form,) = [
        found
        for found in re.findall(r"<form.*?</form>", page, re.S)
        if re.search(rf">\s*{button}\s*</button>", found)
    ]
    return {
        name: unescape(value)
        for name, value in re.findall(
            r'name="(\w+)" (?:type="\w+" )?(?:[^>]*?)value="([^"]*)"', form
        )
    }


def test_what_is_worse_for_a_group_is_told_and_takes_a_yes_with_a_reason(site, ada):
    preview = ada.sends("/admin/policy", **WORSE, based_on=1, action="preview")
    assert preview.status_code == 200
    assert f"{GROUP} 0" in words(preview.text)

    refused = ada.sends("/admin/policy", **WORSE, based_on=1, action="save")
    said = words(refused.text)
    assert refused.status_code == 422
    assert "Nothing was saved" in said and "sentences would start being held" in said
    assert 'value="0.05"' in refused.text and 'value="Elections"' in refused.text
    assert in_force(site).id == 1

    sent = hidden(refused.text, "Save what was checked all the same")
    assert ada.sends("/admin/policy", **sent | {"fairness_reason": "x" * 501}).status_code == 422
    assert ada.sends("/admin/policy", **sent | {"fairness_seen": "other"}).status_code == 422
    ada.sends("/admin/policy", **sent | {"fairness_reason": "Only until Monday."})

    saved = in_force(site)
    assert (saved.id, saved.note) == (2, "Elections")
    assert saved.fairness["reason"] == "Only until Monday."
    assert [one["group"] for one in saved.fairness["groups"]] == [GROUP]
    version = ada.reads("/admin/policy/2")
    assert "because: Only until Monday." in version and GROUP in version
    assert "in spite of the fairness check" in ada.reads("/review/acts")
    # Back to what is milder takes no yes; forward again does, and the way there is the same.
    ada.sends("/admin/policy/1", based_on=2)
    assert in_force(site).id == 3
    forward = ada.sends("/admin/policy/2", based_on=3)
    assert forward.status_code == 422
    sent = hidden(forward.text, "Restore it all the same")
    ada.sends("/admin/policy/2", **sent | {"fairness_reason": "Once more."})
    assert in_force(site).restores == 2


def test_thresholds_of_a_place_take_a_yes_of_their_own(site, ada):
    typed = {"where": "section", "section": "life", "hold_toxicity": "0.05"}
    typed |= {"reject_toxicity": "never", "action": "save", "based_on": "1"}
    refused = ada.sends("/admin/policy/overrides", **typed)
    assert refused.status_code == 422
    assert "For the section Life , where other thresholds would hold" in words(refused.text)
    assert in_force(site).id == 1

    sent = hidden(refused.text, "Save it all the same")
    ada.sends("/admin/policy/overrides", **sent | {"fairness_reason": "A hot topic."})

    saved = in_force(site)
    assert saved.policy.overrides and saved.fairness["reason"] == "A hot topic."
    assert saved.fairness["places"][0]["groups"] == [GROUP]
    # The site's own thresholds are milder, so going back takes none.
    gone = {"action": "remove", "place": "0", "based_on": "2"}
    assert ada.sends("/admin/policy/overrides", **gone).status_code == 200
    assert not in_force(site).policy.overrides


def test_a_policy_is_rehearsed_in_the_shadow_and_adopted(site, ada, work):
    milder = FORM | {"hold_toxicity": "0.9999"}
    preview = ada.sends("/admin/policy", **milder, based_on=1, action="preview").text
    form = ada.opens("/admin/rehearsal", **hidden(preview, "Rehearse…")).text
    assert "Toxicity 0.9999 never" in words(form)
    started = ada.sends("/admin/rehearsal", **hidden(form, "Start the rehearsal"))
    assert "The rehearsal has begun" in words(started.text)

    ada.comments("What a lovely cup of tea.")
    ada.comments("You stupid idiot, shut up.")
    work()

    seen = ada.opens("/admin/rehearsal").text
    assert "Of 2 comments judged so far, the two would decide 1 differently." in words(seen)
    assert "The policy in force would hold it, the rehearsed one publish it." in words(seen)
    assert "Rehearsal 1 runs until" in ada.reads("/admin/policy")
    again = ada.sends("/admin/rehearsal", **hidden(form, "Start the rehearsal"))
    assert again.status_code == 422 and "Another rehearsal runs" in words(again.text)
    ada.sends("/admin/rehearsal", **hidden(seen, "Put it in force"))
    assert in_force(site).policy.thresholds["toxicity"].hold == 0.9999
    assert "put it in force" in ada.reads("/admin/rehearsal")


def test_where_it_would_decide_the_fairness_check_has_its_say(site, ada, work):
    preview = ada.sends("/admin/policy", **WORSE, based_on=1, action="preview").text
    form = ada.opens("/admin/rehearsal", **hidden(preview, "Rehearse…")).text
    sent = hidden(form, "Start the rehearsal") | {"share": "90", "days": "3", "note": "A try"}

    refused = ada.sends("/admin/rehearsal", **sent)
    assert refused.status_code == 422
    assert "please say why" in words(refused.text) and 'value="A try"' in refused.text
    yes = hidden(refused.text, "Start the rehearsal all the same")
    ada.sends("/admin/rehearsal", **yes | {"fairness_reason": "To learn."})

    with site.database.writing() as session:
        row = rehearsals.newest(session)
        assert (row.share, row.note, row.fairness["reason"]) == (0.9, "A try", "To learn.")
        # A seed by which the thread is on the rehearsing side.
        row.seed = next(n for n in count() if rehearsals.decides_on(1, seed=n, share=0.9))
    ada.comments("You stupid idiot, shut up.")
    work()
    assert "rehearsal 1" in ada.reads("/review/log")
    assert "Rehearsal 1, " in ada.case_of("You stupid idiot").text
    stop = hidden(ada.opens("/admin/rehearsal").text, "Stop the rehearsal")
    assert "The rehearsal is over" in words(ada.sends("/admin/rehearsal", **stop).text)
    assert ada.sends("/admin/rehearsal", **stop).status_code == 409
    assert "ended a rehearsal" in ada.reads("/review/acts")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"days": "soon"}, "Please give a number"),
        ({"days": "nan"}, "Please give a number"),
        ({"days": "0"}, "from one hour to 90 days"),
        ({"days": "5000"}, "from 1 to 90 days"),
        ({"share": "95"}, "0 to 90%"),
        ({"note": "x" * 501}, "within 500 characters"),
        ({"policy": "{"}, "cannot be read"),
        ({"policy": ""}, "There is no policy to rehearse"),
        ({"based_on": "7"}, "was saved meanwhile"),
        ({"action": "dance"}, "one of the buttons"),
    ],
)
def test_what_is_sent_wrong_is_refused_in_words(site, ada, change, says):
    preview = ada.sends("/admin/policy", **FORM, based_on=1, action="preview").text
    form = ada.opens("/admin/rehearsal", **hidden(preview, "Rehearse…")).text
    sent = hidden(form, "Start the rehearsal") | {"note": "Kept"}

    answer = ada.sends("/admin/rehearsal", **sent | change)

    assert answer.status_code in (409, 422)
    assert says in words(answer.text)
    with site.database.reading() as session:
        assert rehearsals.newest(session) is None
