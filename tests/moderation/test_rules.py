"""Rules and reasons: what makes them whole, versions, and what decisions keep of them."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from moderation import cases, decisions, rules
from moderation.decisions import Kind
from moderation.policy import Finding, Status
from moderation.rules import DEFAULT, Clause, InvalidRules, Reason, RulesChanged
from moderation.tables import Decision


@pytest.fixture
def held(database):
    with database.writing() as session:
        case_id = cases.open_case(session, "You idiot.", author=1, context=1)
        decisions.decide(session, case_id, Kind.VERDICT, Status.HELD, version=1)
    return case_id


def test_a_new_site_has_rules_and_every_reason_points_at_one(database):
    with database.reading() as session:
        known = rules.in_force(session)
    assert known.clauses
    for reason in known.reasons.values():
        assert known.clause_of(reason) in known.clauses


def test_a_decision_keeps_reason_and_rule_as_they_read_when_it_was_made(database, held):
    with database.writing() as session:
        decisions.decide(session, held, Kind.REJECT, Status.REJECTED, version=2, reason="hate")
    with database.writing() as session:
        known = rules.in_force(session)
        hate = replace(known.reasons["hate"], title="Contempt", clause=4)
        rules.adopt(session, known.with_reason(hate), author=7, change="Another name.")
    with database.reading() as session:
        line = session.scalars(select(Decision).order_by(Decision.id.desc())).first()
        now = rules.in_force(session)
    assert line.rule["reason"] == "Hate"
    assert line.rule["number"] == 3
    assert line.rule["text"] == DEFAULT.all_clauses[2].text
    assert now.title_of("hate") == "Contempt"


@pytest.mark.parametrize(
    ("labels", "code"),
    [
        (["threat"], "threat"),
        (["toxicity", "identity_attack"], "hate"),
        (["toxicity"], "harassment"),
        (["severe_toxicity"], "harassment"),
    ],
)
def test_a_rejection_by_the_classifier_names_a_reason_too(database, held, labels, code):
    over = [Finding("above_reject", label, 0.99, 0.9) for label in labels]
    with database.writing() as session:
        line = decisions.decide(
            session, held, Kind.VERDICT, Status.REJECTED, version=2, findings=over
        )
    assert line.reason == code
    assert line.rule["number"]


def test_rules_that_are_retired_are_offered_no_more_and_still_known():
    hate = DEFAULT.reasons["hate"]
    known = DEFAULT.with_reason(replace(hate, retired=True))
    assert "hate" not in known.choices
    assert known.title_of("hate") == "Hate"
    assert known.words_of("hate")["number"] == 3


@pytest.mark.parametrize(
    "change",
    [
        lambda: DEFAULT.with_clause(Clause(9, "", "Words.")),
        lambda: DEFAULT.with_clause(Clause(9, "Name", "")),
        lambda: DEFAULT.with_clause(Clause(9, "Name", "x" * 1001)),
        lambda: DEFAULT.with_clause(replace(DEFAULT.all_clauses[2], retired=True)),
        lambda: DEFAULT.with_reason(Reason("new", "New", 99)),
        lambda: DEFAULT.with_reason(Reason("new", "hate", 1)),
        lambda: DEFAULT.with_reason(Reason("new", "New", 1, "rudeness")),
    ],
    ids=["no name", "no words", "too long", "in use", "no rule", "twice", "no label"],
)
def test_rules_that_are_not_whole_cannot_be_built(change):
    with pytest.raises(InvalidRules):
        change()


def test_of_two_admins_one_is_told_that_the_other_was_faster(database):
    with database.reading() as session:
        seen = rules.in_force(session)
    for number, fails in ((10, False), (11, True)):
        changed = seen.with_clause(Clause(number, "New", "Words."))
        with database.writing() as session:
            if fails:
                with pytest.raises(RulesChanged):
                    rules.adopt(session, changed, author=8, change="Second.")
            else:
                rules.adopt(session, changed, author=7, change="First.")
    with database.reading() as session:
        newest, *_ = rules.versions(session)
        assert newest.change == "First."
