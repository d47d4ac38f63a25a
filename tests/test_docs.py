"""The documentation is compared with the code: what it names exists, and what exists is named."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from forum import cli
from forum.errors import all_errors
from forum.settings import Settings
from forum.web import routes
from forum.web.metrics import Metrics
from moderation import rules

HOUSE = Path(__file__).parent.parent
PAGES = [HOUSE / "README.md", *sorted((HOUSE / "docs").glob("*.md"))]
OPERATOR = HOUSE / "docs" / "operator.md"


def table(page: Path, *head: str) -> list[tuple[str, ...]]:
    """Return the rows of the one table with this head; back-ticks around a cell are left out."""
    lines = page.read_text(encoding="utf-8").splitlines()
    (begin,) = [at for at, line in enumerate(lines) if _cells(line) == head]
    rows = []
    for line in lines[begin + 2 :]:
        if not line.startswith("|"):
            break
        rows.append(_cells(line))
    return rows


def _cells(line: str) -> tuple[str, ...]:
    return tuple(re.sub(r"^`(.*)`$", r"\1", cell.strip()) for cell in line.split("|")[1:-1])


def test_the_operators_page_lists_every_setting_with_its_default_and_meaning() -> None:
    assert table(OPERATOR, "Name", "Default", "Meaning") == [
        (f"FORUM_{name.upper()}", _default(field.default), field.description)
        for name, field in Settings.model_fields.items()
    ]


def _default(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) or "empty"


def commands(command: Any = None, path: str = "forum") -> Iterator[tuple[str, Any]]:
    """Yield every command as it is typed, and what knows its arguments."""
    command = command or get_command(cli.app)
    if hasattr(command, "commands"):
        for name, below in command.commands.items():
            yield from commands(below, f"{path} {name}")
    else:
        yield path, command


def usage(path: str, command: Any) -> str:
    words = [path]
    for parameter in command.params:
        name = parameter.metavar or parameter.name.upper()
        if parameter.param_type_name == "argument":
            words.append(name + ("…" if parameter.nargs == -1 else ""))
        elif parameter.is_flag:
            words.append(f"[{'/'.join([*parameter.opts, *parameter.secondary_opts])}]")
        else:
            words.append(f"[{parameter.opts[0]} {name}]")
    return " ".join(words)


def test_the_operators_page_lists_every_command_with_its_options() -> None:
    assert table(OPERATOR, "Command", "What it does") == [
        (usage(path, command), " ".join(command.help.split())) for path, command in commands()
    ]


def test_the_operators_page_lists_every_error_code() -> None:
    assert table(OPERATOR, "Code", "Status", "Title") == sorted(
        ((kind.code, str(kind.status), kind.title) for kind in all_errors()),
        key=lambda row: (row[1], row[0]),
    )


def test_the_operators_page_lists_every_metric() -> None:
    assert table(OPERATOR, "Metric", "What it counts") == [
        (one.name + ("_total" if one.type == "counter" else ""), one.documentation)
        for one in Metrics().registry.collect()
    ]


def test_the_developers_page_lists_every_address() -> None:
    assert table(HOUSE / "docs" / "developer.md", "Method", "Path", "Name", "Who") == [
        (row.method, row.path, row.name, row.who.value if row.who else "anyone")
        for row in routes.TABLE
    ]


def test_the_moderators_page_names_every_reason() -> None:
    page = " ".join((HOUSE / "docs" / "moderator.md").read_text(encoding="utf-8").split())
    *first, last = rules.DEFAULT.choices.values()
    assert f"{', '.join(first).lower()}, or {last.lower()}" in page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_tells_to_type_exists(page: Path) -> None:
    words = page.read_text(encoding="utf-8")
    typed = [
        *re.findall(r"`([^`\n]+)`", words),
        *re.findall(r"^```\n(.*?)^```", words, re.M | re.S),
    ]
    lines = [line for block in typed for line in block.splitlines()]

    known = {path for path, _ in commands()} | {"forum --help", "forum --version"}
    groups = "|".join({path.split()[1] for path in known if path.count(" ") > 1})
    for line in lines:
        told = re.match(rf"(?:\.venv/bin/)?(forum (?:(?:{groups}) )?[a-z-]+)\b", line)
        assert not told or told[1] in known, line

    targets = set(re.findall(r"^(\w+):", (HOUSE / "Makefile").read_text(encoding="utf-8"), re.M))
    made = (re.match(r"(?:[A-Z_]+=\S+ )*make (\w+)", line) for line in lines)
    assert {found[1] for found in made if found} <= targets

    settings = {f"FORUM_{name.upper()}" for name in Settings.model_fields} | {"FORUM_TEST_POSTGRES"}
    assert set(re.findall(r"\bFORUM_\w+", words)) <= settings


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_and_every_file_that_a_page_names_is_there(page: Path) -> None:
    words = page.read_text(encoding="utf-8")
    for target, _, anchor in re.findall(r"\]\(([^)#:]*)(#([\w-]+))?\)", words):
        file = page.parent / target if target else page
        assert file.is_file(), target
        if anchor:
            heads = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.M)
            assert anchor in {re.sub(r"[^\w-]", "", h.lower().replace(" ", "-")) for h in heads}
    for named in re.findall(r"`((?:forum|moderation|tests|docs|\.ci)/[\w./-]+)`", words):
        assert (HOUSE / named).exists(), named
