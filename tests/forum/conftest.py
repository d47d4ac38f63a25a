"""The command, run where nothing else is."""

from pathlib import Path

import pytest

from forum import cli
from tests.commands import Forum, Ran


@pytest.fixture
def forum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Forum:
    """The command, run in an empty folder, with the default database there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORUM_DATABASE", raising=False)

    def run(*arguments: str, **environment: str) -> Ran:
        with monkeypatch.context() as patch, pytest.raises(SystemExit) as ended:
            for name, value in environment.items():
                patch.setenv(name, value)
            capsys.readouterr()
            cli.main(arguments)
        captured = capsys.readouterr()
        status = ended.value.code
        assert isinstance(status, int)
        return Ran(status, captured.out, captured.err)

    return run


@pytest.fixture
def prepared(forum: Forum) -> Forum:
    """The command on a site that is set up."""
    assert forum("setup").status == 0
    return forum
