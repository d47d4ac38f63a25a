"""Versions of the policy: nothing is lost, and of two admins one is told."""

import pytest

from moderation import policies
from moderation.policies import PolicyChanged
from moderation.policy import DEFAULT, Policy, Threshold

STRICT = Policy({"insult": Threshold(hold=0.2)})


def test_a_new_site_has_the_default_policy(database):
    with database.reading() as session:
        assert policies.in_force(session).policy == DEFAULT


def test_adopting_makes_a_version_and_keeps_the_others(database):
    with database.writing() as session:
        first = policies.in_force(session)
        policies.adopt(session, STRICT, author=1, note="Elections", based_on=first.id)

    with database.reading() as session:
        versions = policies.versions(session)
        assert [v.policy for v in versions] == [STRICT, DEFAULT]
        assert versions[0].note == "Elections"
        assert policies.in_force(session).policy == STRICT


def test_of_two_admins_the_second_is_refused_and_told_what_is_in_force(database):
    with database.writing() as session:
        seen = policies.in_force(session).id
    with database.writing() as session:
        policies.adopt(session, STRICT, author=1, based_on=seen)

    with database.writing() as session, pytest.raises(PolicyChanged) as refusal:
        policies.adopt(session, DEFAULT, author=2, based_on=seen)

    with database.reading() as session:
        assert policies.in_force(session).policy == STRICT
        assert policies.in_force(session).id == refusal.value.current
