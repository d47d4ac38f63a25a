"""What there is to know of a text: its scores, what it quotes, the script it is in; and, from the
host, what else is known of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from moderation import quotes
from moderation.classifier import Classifier
from moderation.labels import Scores
from moderation.policy import Scope, Signal
from moderation.quotes import Quotable
from moderation.scripts import outside
from moderation.tables import Score, Section, time_of

# The one signal that depends on the classifier.
OUTSIDE_LANGUAGES = "outside_languages"

# What the texts of these cases may quote; the host knows. A case without an entry quotes nothing.
Quotables = Callable[[Session, Sequence[int]], Mapping[int, Quotable]]


@dataclass(frozen=True)
class Evidence:
    """What is known of a case besides its text: signals, its author's published comments, and where
    it stands: the path of its section, and the age of its context in whole days."""

    signals: tuple[Signal, ...] = ()
    good: int = 0
    section: str = ""
    older: int = 0


# What is known of these cases now; the host tells. Of a case without an entry nothing is known.
Witness = Callable[[Session, Sequence[int]], Mapping[int, Evidence]]


@dataclass(frozen=True)
class Found:
    """What was found in a text. The scores are those of its author's own words."""

    scores: Scores
    signals: tuple[Signal, ...]
    quoted: dict[str, Any] | None
    # What the author says, without what is quoted.
    own: str = ""
    good: int = 0
    section: str = ""
    older: int = 0

    def beside(self, evidence: Evidence) -> "Found":
        """Return it with what else is known of the case."""
        signals = self.signals + evidence.signals
        return replace(
            self,
            signals=tuple(replace(signal, good=evidence.good) for signal in signals),
            good=evidence.good,
            section=evidence.section,
            older=evidence.older,
        )

    def scope(self, context: int, *, at: datetime) -> Scope:
        """Return where the text stands, in this context at this moment."""
        return Scope(self.section, context, self.older, self.good, at)

    def row(self, session: Session, case_id: int, revision: int, classifier_id: int) -> Score:
        """Return it as it is kept, at the time of this transaction."""
        return Score(
            case_id=case_id,
            revision=revision,
            classifier_id=classifier_id,
            scored_at=time_of(session),
            signals=" ".join(signal.code for signal in self.signals),
            good=self.good,
            section_id=_section(session, self.section),
            older=self.older,
            quoted=self.quoted,
            **self.scores,
        )


def _section(session: Session, path: str) -> int | None:
    """Return the number of a section, which is given one when a text first stands in it."""
    if not path:
        return None
    known: dict[str, int] = session.info.setdefault(_SECTIONS, {})
    if path not in known:
        number = session.scalar(select(Section.id).where(Section.path == path))
        if number is None:
            try:
                with session.begin_nested():
                    made = Section(path=path)
                    session.add(made)
                    session.flush()
                    number = made.id
            # Another process was faster.
            except IntegrityError:
                number = session.scalars(select(Section.id).where(Section.path == path)).one()
        known[path] = number
    return known[path]


# Under which name a session keeps the sections that it has met.
_SECTIONS = "sections"


def read(classifier: Classifier, texts: Sequence[tuple[str, Quotable]]) -> list[Found]:
    """Score what each author says and, apart from it, what they quote, in one batch.

    Raises whatever the classifier raises.
    """
    said = [quotes.apart(text, quotable) for text, quotable in texts]
    parts = [
        part for each in said for part in ((each.own, each.quoted) if each.spans else (each.own,))
    ]
    scores = classifier.score(parts)
    if len(scores) != len(parts):
        raise ValueError("The classifier gave another number of scores than of texts.")
    in_turn = iter(scores)
    found = []
    for each in said:
        own, quoted = next(in_turn), None
        if each.spans:
            quoted = {"spans": list(map(list, each.spans)), "scores": dict(next(in_turn))}
        found.append(Found(own, tuple(_signals(each.own, classifier)), quoted, each.own))
    return found


def _signals(text: str, classifier: Classifier) -> Iterable[Signal]:
    if script := outside(text, classifier.scripts):
        yield Signal(
            OUTSIDE_LANGUAGES,
            f"Outside the classifier's languages: it never learned the {script} script.",
        )
