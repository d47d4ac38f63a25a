"""API keys and suggestions: what is kept, what opens, what is thrown away."""

import pytest
from sqlalchemy import inspect, select

from forum import keys, suggestions
from forum.database import Database
from forum.errors import Invalid, NotFound
from forum.tables import ApiKey
from forum.web.pace import Quotas


def make(database: Database, name: str = "coral", a_minute: int = 600) -> str:
    with database.writing() as session:
        return keys.create(session, name, a_minute=a_minute)


def finds(database: Database, key: str) -> keys.Holder | None:
    with database.reading() as session:
        return keys.find(session, key)


def test_a_key_opens_and_only_its_hash_is_kept(database: Database) -> None:
    key = make(database, a_minute=60)

    holder = finds(database, key)
    assert holder is not None
    assert holder.a_minute == 60
    with database.reading() as session:
        (kept,) = session.scalars(select(ApiKey))
        held = [getattr(kept, column.key) for column in inspect(ApiKey).column_attrs]
    assert not any(key in str(value) or key.removeprefix("forum_") in str(value) for value in held)


def test_no_other_key_opens(database: Database) -> None:
    key = make(database)
    other = key[:-1] + ("a" if key[-1] != "a" else "b")

    for forged in (other, key + "a", key.upper(), key[:10], "", "x" * 100_000, "forum_é", "\x00"):
        assert finds(database, forged) is None


def test_a_revoked_key_opens_nothing_and_its_name_is_free_again(database: Database) -> None:
    old = make(database)
    with database.writing() as session:
        keys.revoke(session, "coral")
    new = make(database)

    assert finds(database, old) is None
    assert finds(database, new) is not None
    with database.reading() as session:
        assert [(one.name, bool(one.revoked_at)) for one in keys.listed(session)] == [
            ("coral", True),
            ("coral", False),
        ]


def test_two_keys_do_not_share_a_name(database: Database) -> None:
    make(database)
    with pytest.raises(Invalid, match="Revoke it first"):
        make(database)


@pytest.mark.parametrize(
    ("name", "a_minute"), [("", 1), (" ", 1), ("a" * 61, 1), ("a\nb", 1), ("a", 0), ("a", 10**7)]
)
def test_a_key_needs_a_name_and_a_quota(database: Database, name: str, a_minute: int) -> None:
    with pytest.raises(Invalid):
        make(database, name, a_minute)


def test_a_key_that_is_not_there_cannot_be_revoked(database: Database) -> None:
    with pytest.raises(NotFound, match="forum key list"), database.writing() as session:
        keys.revoke(session, "nobody")


def test_a_quota_is_of_any_minute_and_each_key_has_its_own() -> None:
    seconds = [0.0, 10.0, 20.0, 20.0, 20.0, 60.0, 60.0]
    quotas = Quotas(iter(seconds).__next__)

    assert [quotas.take(1, 3) for _ in range(4)] == [0, 0, 0, 41]
    assert quotas.take(2, 3) == 0
    assert [quotas.take(1, 3) for _ in range(2)] == [0, 11]


def keep(database: Database, text: str, toxicity: float, *, key: str, token: str = "") -> None:
    holder = finds(database, key)
    assert holder is not None
    with database.writing() as session:
        suggestions.keep(session, text, {"toxicity": toxicity}, key_id=holder.id, token=token)


def kept(database: Database) -> list[tuple[str, str, float]]:
    with database.reading() as session:
        return [
            (one.key.name, one.text, one.scores["toxicity"]) for one in suggestions.listed(session)
        ]


def test_the_last_word_on_a_text_counts_for_each_key_by_itself(database: Database) -> None:
    coral, other = make(database), make(database, "other")
    keep(database, "Hm.", 1, key=coral, token="comment:7")
    keep(database, "Hm.", 1, key=other, token="comment:7")
    keep(database, "Hm.", 0, key=coral, token="comment:7")
    keep(database, "Without a token,\x00", 1, key=coral)
    keep(database, "every one is kept.", 1, key=coral)

    assert kept(database) == [
        ("coral", "every one is kept.", 1),
        ("coral", "Without a token,", 1),
        ("coral", "Hm.", 0),
        ("other", "Hm.", 1),
    ]


def test_the_oldest_suggestions_go(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggestions, "KEPT", 2)
    key = make(database)
    for text in ("one", "two", "three"):
        keep(database, text, 1, key=key)

    assert [text for _, text, _ in kept(database)] == ["three", "two"]
