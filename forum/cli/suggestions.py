"""forum suggestions: what users of the score API would have scored otherwise."""

import sys

from forum.cli import site
from forum.cli.terminal import printable


def suggestions() -> None:
    """Print the scores that users of the score API suggested, as CSV for 'forum evaluate'."""
    import csv

    from forum import suggestions
    from moderation import labels

    with site.database(site.settings()) as database, database.reading() as session:
        # A file gets the words as they were sent; a terminal must not be commanded by them.
        shown = printable if sys.stdout.isatty() else str
        rows = csv.writer(sys.stdout)
        rows.writerow(("at", "key", "community", "token", "text", *labels.NAMES))
        for one in suggestions.listed(session):
            rows.writerow(
                (
                    f"{one.created_at:%Y-%m-%dT%H:%M:%SZ}",
                    one.key.name,
                    *map(shown, (one.community, one.token, one.text)),
                    *(one.scores.get(label, "") for label in labels.NAMES),
                )
            )
