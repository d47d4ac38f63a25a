"""forum simulate: what a policy would have done with the comments of the last weeks."""

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from forum.cli import site
from forum.cli.policy import fits, read_file
from forum.cli.terminal import Refused, say, table

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def _since(given: str, now: datetime) -> datetime:
    if found := re.fullmatch(r"([1-9][0-9]{0,4})([hdw])", given):
        return now - timedelta(**{_UNITS[found[2]]: int(found[1])})
    try:
        return datetime.strptime(given, "%Y-%m-%d").replace(tzinfo=now.tzinfo)
    except ValueError:
        raise Refused(
            f"--since takes hours, days or weeks, as in 12h, 90d or 8w, or a day as in"
            f" {now:%Y-%m-%d}; not {given!r}."
        ) from None


def simulate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A policy, as exported.")],
    since: Annotated[
        str, typer.Option(metavar="TIME", help="From when on: 12h, 90d, 8w or a day.")
    ] = "90d",
    section: Annotated[
        str, typer.Option(metavar="PATH", help="Only this section, as in its address.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what a policy would have done with the comments of a time; nothing is saved."""
    from forum import articles
    from forum import outlook as words
    from moderation import harmless, outlook, policies, simulation

    policy, meant = read_file(file)
    with site.database(site.settings()) as database, database.reading() as session:
        from_when = _since(since, session.info["time"])
        try:
            current = policies.in_force(session)
        except LookupError as problem:
            raise Refused(str(problem)) from None
        fits(current.classifier, meant, file)
        fairness = harmless.before(session, policy, based_on=current.id)
        inside = articles.of_section(session, section) if section else None
        if inside is not None and not inside:
            raise Refused(f"No article is in the section {section!r}.")
        known = outlook.read(session, current.classifier_id, since=from_when, contexts=inside)
        # People decide for all sections together.
        staff = None if section or not len(known) else words.staffing(session, known)
    if not len(known):
        raise Refused("No comment was scored in this time. Name an earlier --since.")
    found = simulation.compare(known.history, current.policy, policy)
    now, then = outlook.predict(known, current.policy), outlook.predict(known, policy)
    if as_json:
        days = {name: words.to_json(one, staff) for name, one in (("now", now), ("then", then))}
        told = {"based_on": current.id, "since": from_when.isoformat(), **_plain(found)}
        told["fairness"] = fairness.to_json()
        told |= {"a_day": days, "seconds_each": known.seconds_each, "measured": known.measured}
        say(json.dumps(told))
        return
    table(
        ("", "Now", "Then", "Difference"),
        [
            (
                status.value.capitalize(),
                str(before),
                str(found.then[status]),
                f"{found.then[status] - before:+d}" if found.then[status] != before else "same",
            )
            for status, before in found.now.items()
        ],
    )
    table(
        ("A day", "Now", "Then"),
        [(line.title, line.now, line.then) for line in words.lines(now, then, staff)],
    )
    for move in found.changes:
        said = f"{move.texts} {move.before.value} would be {move.after.value}"
        if move.kept or move.removed:
            said += f"; of these people kept {move.kept} and removed {move.removed}"
        say(said + ".")
    say(fairness.in_words())
    say(
        f"{found.changed} of {found.texts} comments since {from_when:%Y-%m-%d} would have gone"
        f" another way than by version {current.id}. Nothing was saved."
    )


def _plain(found: Any) -> dict[str, Any]:
    return {
        "texts": found.texts,
        "days": round(found.days, 2),
        "changed": found.changed,
        "now": {status.value: many for status, many in found.now.items()},
        "then": {status.value: many for status, many in found.then.items()},
        "changes": [
            {
                "before": move.before.value,
                "after": move.after.value,
                "texts": move.texts,
                "kept_by_people": move.kept,
                "removed_by_people": move.removed,
            }
            for move in found.changes
        ],
    }
