"""What a page is told while an admin moves a threshold."""

import pytest

from forum.accounts import Role
from moderation import policies
from moderation.labels import NAMES
from moderation.simulation import FINE

FORM = {"mode": "publish_unless_held"} | dict.fromkeys(
    (f"{kind}_{name}" for name in NAMES for kind in ("hold", "reject")), ""
)


@pytest.fixture
def admin(site, work):
    reader = site.person("Ann")
    reader.comments("What a lovely cup of tea.")
    reader.comments("You stupid idiot, shut up.")
    work()
    return site.person("Ada", Role.ADMIN)


def test_counts_are_those_of_the_whole_policy(admin):
    told = admin.sends("/admin/policy/counts", **FORM).json()

    assert told["texts"] == 2
    assert told["now"] == [1, 1, 0]
    assert told["then"] == [2, 0, 0]
    assert told["changes"] == [["held", "published", 1, 0, 0]]


def test_a_handle_is_told_every_place_that_it_can_take(admin):
    told = admin.sends("/admin/policy/counts", **FORM).json()

    toxicity = told["labels"]["toxicity"]
    assert sum(texts for _, _, texts in toxicity["cells"]) == 2
    assert all(0 <= place <= FINE for _, place, _ in toxicity["cells"])
    assert toxicity["unscored"] == [0, 0, 0]


def test_a_threshold_that_is_none_is_answered_in_words(admin, site):
    answer = admin.sends("/admin/policy/counts", **{**FORM, "hold_toxicity": "high"})

    assert answer.status_code == 422
    assert "from 0 to 1" in answer.json()["problem"]
    with site.database.reading() as session:
        assert policies.in_force(session).id == 1
