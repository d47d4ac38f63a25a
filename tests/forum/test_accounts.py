"""Names that look alike are one name; roles and passwords."""

import threading

import pytest
from argon2 import extract_parameters

from forum import accounts
from forum.accounts import Role
from forum.errors import ForumError, Invalid, NotAllowed
from tests.people import PASSWORD


@pytest.mark.parametrize(
    "other",
    [
        "ADMIN",
        "a d m i n",
        "аdmin",
        "ａｄｍｉｎ",
        "adm1n",
        "ad.min",
        "admın",
        "ɑdmin",
        "ádmin",
    ],
)
def test_names_that_look_alike_are_taken_together(database, other):
    with database.writing() as session:
        accounts.create(session, "admin", role=Role.ADMIN)
    with database.writing() as session, pytest.raises(Invalid):
        accounts.sign_up(session, other, password_hash="x")


@pytest.mark.parametrize(
    "name", ["Ann", "María José", "Ольга", "محمد علي", "李小龍", "O'Brien", "हिन्दी", "Jean-Luc 2"]
)
def test_names_of_the_world_are_welcome(name):
    assert accounts.check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "A",
        "x" * 41,
        "<b>",
        "Аnn",
        "a\u202eb",
        "...",
        "\x00\x00",
        "Ann\nBob@",
        "👑👑",
        "\u3164\u3164",
    ],
)
def test_names_that_deceive_or_break_are_refused(name):
    with pytest.raises(Invalid):
        accounts.check_name(name)


def test_the_last_admin_stays(database):
    with database.writing() as session:
        admin, _ = accounts.create(session, "Ada", role=Role.ADMIN)
    with database.writing() as session, pytest.raises(NotAllowed, match="last admin"):
        accounts.change_role(session, admin.id, Role.READER, by=None)


def test_two_admins_who_close_each_other_at_once_do_not_both_succeed(database):
    with database.writing() as session:
        ada, _ = accounts.create(session, "Ada", role=Role.ADMIN)
        ben, _ = accounts.create(session, "Ben", role=Role.ADMIN)
    gate, outcomes = threading.Barrier(2), []

    def close(whom, by):
        gate.wait()
        try:
            with database.writing() as session:
                accounts.set_closed(session, whom, closed=True, by=by)
            outcomes.append("closed")
        except ForumError:
            outcomes.append("refused")

    threads = [
        threading.Thread(target=close, args=pair) for pair in ((ada.id, ben.id), (ben.id, ada.id))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["closed", "refused"]


def test_a_login_ends_after_its_time(database, clock):
    with database.writing() as session:
        account, _ = accounts.create(session, "Ann", role=Role.READER, password="long enough it is")
        token = accounts.sign_in(session, account.id)
    with database.reading() as session:
        assert accounts.signed_in(session, token).name == "Ann"
    clock.turn(days=31)
    with database.reading() as session:
        assert accounts.signed_in(session, token) is None


def test_passwords_are_kept_as_argon2id_alone():
    hashed = accounts.hash_password("long enough it is")
    assert hashed.startswith("$argon2id$")
    assert accounts.verify(hashed, "long enough it is")
    assert not accounts.verify(hashed, "long enough it was")


def test_a_name_that_nobody_has_is_refused_at_the_same_cost(database):
    with database.reading() as session:
        account, stored = accounts.credentials(session, "Nobody")

    assert account is None
    assert extract_parameters(stored) == extract_parameters(accounts.hash_password(PASSWORD))
    assert not accounts.verify(stored, PASSWORD)
