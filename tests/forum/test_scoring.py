"""The worker as the site runs it: with a shadow beside it, whatever that does."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from forum.database import Database
from forum.scoring import Scoring
from forum.settings import Settings, read_settings
from moderation import cases, lineup
from moderation.policy import Status
from moderation.tables import Case

PATIENCE = 60.0


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of models with the one that ships under another name, and one that is broken."""
    import json
    import shutil

    from moderation.classifier import SHIPPED

    monkeypatch.chdir(tmp_path)
    twin = Path(shutil.copytree(SHIPPED, tmp_path / "models" / "twin"))
    about = json.loads((twin / "model.json").read_text())
    (twin / "model.json").write_text(json.dumps({**about, "name": "twin"}))
    (tmp_path / "models" / "broken").mkdir()
    (tmp_path / "models" / "broken" / "model.json").write_text("{}")
    return twin.parent


def with_shadow(database: Database, shadow: str) -> Scoring:
    settings: Settings = read_settings(_env_file=None, database=database.url, shadow=shadow)
    return Scoring(database.writing, settings)


def until(happened: object) -> None:
    """Wait for a condition, and not for ever."""
    assert callable(happened)
    ends = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.01)


def published(database: Database) -> bool:
    with database.reading() as session:
        return session.scalar(select(Case.status)) == Status.PUBLISHED


def test_a_shadow_reads_what_was_judged(database: Database, clock: object, models: Path) -> None:
    with database.writing() as session:
        cases.open_case(session, "Milk goes in first.", author=1, context=1)
    scoring = with_shadow(database, "twin")
    scoring.start()

    until(lambda: scoring.shadow is not None and scoring.shadow.scored == 1)
    scoring.stop()

    assert published(database)
    with database.reading() as session:
        deciding, shadowing = lineup.deciding(session), lineup.shadowing(session)
    assert deciding is not None
    assert shadowing is not None
    assert (deciding.name, shadowing.name) == ("detoxify-mini", "twin")


@pytest.mark.parametrize("shadow", ["broken", "nowhere", "detoxify:/no/such.ckpt"])
def test_a_shadow_that_cannot_be_loaded_keeps_nobody_from_scoring(
    database: Database, models: Path, capsys: pytest.CaptureFixture[str], shadow: str
) -> None:
    with database.writing() as session:
        cases.open_case(session, "Milk goes in first.", author=1, context=1)
    scoring = with_shadow(database, shadow)
    scoring.start()

    until(lambda: published(database))
    said: list[str] = []
    until(lambda: said.append(capsys.readouterr().out) or "shadow_unavailable" in "".join(said))

    assert scoring.trouble() == ""
    assert scoring.shadow is None
    scoring.stop()
