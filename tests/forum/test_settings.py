"""Settings: what cannot be used is named at the start, with what it must be."""

import pytest

from forum.settings import BadSettings, read_settings


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("FORUM_SCORE_AT_ONCE", "many", "must be a whole number; it is 'many'"),
        ("FORUM_SCORE_AT_ONCE", "0", "must be at least 1"),
        ("FORUM_PORT", "70000", "must be at most 65535"),
        ("FORUM_GUESTS", "perhaps", "must be yes or no"),
        ("FORUM_DATABASE", "mysql://x", "must be sqlite:///FILE or postgresql://"),
        ("FORUM_DATABASE", "sqlite:///:memory:", "cannot be"),
        ("FORUM_ADDRESS", "forum.example", "must be an address"),
        ("FORUM_ADDRESS", "https://forum.example/path", "with no path"),
        ("FORUM_TIME_ZONE", "Atlantis", "must name a time zone"),
        ("FORUM_TIME_ZONE", "../../etc/passwd", "must name a time zone"),
        ("FORUM_SITE_NAME", "", "must not be empty"),
        ("FORUM_PROT", "80", "FORUM_PROT is no setting. Do you mean FORUM_PORT?"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(monkeypatch, name, value, says):
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSettings) as refusal:
        read_settings(_env_file=None)
    assert name in str(refusal.value)
    assert says in str(refusal.value)


def test_every_problem_is_named_at_once(monkeypatch):
    monkeypatch.setenv("FORUM_PORT", "x")
    monkeypatch.setenv("FORUM_GUESTS", "x")
    with pytest.raises(BadSettings) as refusal:
        read_settings(_env_file=None)
    assert len(str(refusal.value).splitlines()) == 2


@pytest.mark.parametrize("url", ["postgres://u@h/d", "postgresql://u@h/d"])
def test_what_people_write_for_postgresql_is_understood(monkeypatch, url):
    monkeypatch.setenv("FORUM_DATABASE", url)
    assert read_settings(_env_file=None).database == "postgresql+psycopg://u@h/d"


def test_the_address_is_that_of_this_machine_and_its_port_unless_another_is_given(monkeypatch):
    monkeypatch.setenv("FORUM_PORT", "8001")
    assert read_settings(_env_file=None).address == "http://127.0.0.1:8001"
    assert read_settings(_env_file=None, port=8002).address == "http://127.0.0.1:8002"
    monkeypatch.setenv("FORUM_ADDRESS", "https://comments.example")
    assert read_settings(_env_file=None).address == "https://comments.example"
