"""forum key: keys for the score API."""

from typing import Annotated

import typer

from forum.cli import site
from forum.cli.terminal import commands, say, table

app = commands("Make and revoke keys for the score API.")


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Who uses it.")],
    a_minute: Annotated[
        int, typer.Option(metavar="N", help="How many requests it may make in a minute.")
    ] = 600,
) -> None:
    """Make a key and show it, once."""
    from forum import keys

    with site.database(site.settings()) as database:
        with database.writing() as session:
            key = keys.create(session, name, a_minute=a_minute)
        say(f"Key: {key}")
        say("It is not shown again.")


@app.command("list")
def list_keys() -> None:
    """List the keys, revoked ones too; never the keys themselves."""
    from forum import keys

    with site.database(site.settings()) as database, database.reading() as session:
        table(
            ("Name", "A minute", "Since", "Revoked"),
            [
                (
                    one.name,
                    str(one.a_minute),
                    f"{one.created_at:%Y-%m-%d}",
                    f"{one.revoked_at:%Y-%m-%d}" if one.revoked_at else "",
                )
                for one in keys.listed(session)
            ],
        )


@app.command("revoke")
def revoke(name: str) -> None:
    """Revoke a key: from the next request on it opens nothing."""
    from forum import keys

    with site.database(site.settings()) as database:
        with database.writing() as session:
            keys.revoke(session, name)
        say(f"The key '{name}' is revoked.")
