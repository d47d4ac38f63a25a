"""forum account: who may do what."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from forum.cli import site
from forum.cli.terminal import Refused, commands, say, table

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from forum.tables import Account

app = commands("Make accounts, change their roles and passwords.")

Role = Literal["reader", "moderator", "admin"]


@app.command("create")
def create(
    name: str, role: Annotated[Role, typer.Option(help="What the account may do.")] = "reader"
) -> None:
    """Make an account and show its one-time password."""
    from forum import accounts

    with site.database(site.settings()) as database:
        with database.writing() as session:
            made, password = accounts.create(session, name, role=role)
        say(f"{made.role.capitalize()}: {made.name}")
        say(f"One-time password: {password}")


@app.command("password")
def password(name: str) -> None:
    """Replace a lost password by a one-time password, and end the account's logins."""
    from forum import accounts

    with site.database(site.settings()) as database:
        with database.writing() as session:
            password = accounts.new_one_time_password(session, name)
        say(f"One-time password: {password}")


@app.command("role")
def role(name: str, role: Role) -> None:
    """Give an account another role."""
    from forum import accounts

    with site.database(site.settings()) as database:
        with database.writing() as session:
            key = accounts.name_key(name)
            found = [one for one in _accounts(session, name) if one.name_key == key]
            if not found:
                raise Refused(f"There is no account called '{name}'. See 'forum account list'.")
            changed = accounts.change_role(session, found[0].id, role, by=None)
        say(f"{changed.name} is now {'an' if role == 'admin' else 'a'} {role}.")


@app.command("list")
def list_accounts() -> None:
    """List the accounts, without guests."""
    with site.database(site.settings()) as database, database.reading() as session:
        table(
            ("Name", "Role", "Since", "Closed"),
            [
                (
                    one.name,
                    one.role,
                    f"{one.created_at:%Y-%m-%d}",
                    f"{one.closed_at:%Y-%m-%d}" if one.closed_at else "",
                )
                for one in _accounts(session)
            ],
        )


def _accounts(session: "Session", looking_for: str = "") -> "Iterator[Account]":
    from forum import accounts

    after = 0
    while page := accounts.listed(session, looking_for=looking_for, after=after):
        yield from page
        after = page[-1].id
