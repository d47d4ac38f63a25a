"""The site's rules and the reasons that point at them: data that admins edit, kept in versions."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from moderation import acts, labels
from moderation.acts import Did
from moderation.policy import Finding
from moderation.tables import RulesVersion, time_of

TITLE = 60
TEXT = 1000
SHORT = 120
MOST = 40


class InvalidRules(ValueError):
    """Rules that cannot be adopted. The message is for the admin; `field` is where it stands."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


class RulesChanged(Exception):
    """Another admin saved first."""


@dataclass(frozen=True)
class Clause:
    """One rule of the site. Its number stays its own for good, also when it is retired."""

    number: int
    title: str
    text: str
    # How it reads beside the comment form; empty: it is not named there.
    short: str = ""
    retired: bool = False


@dataclass(frozen=True)
class Reason:
    """Why a comment is rejected or reported: a few words that point at a clause."""

    code: str
    title: str
    clause: int
    # What a rejection for it tells of a text's scores; empty: nothing.
    label: str = ""
    # Whether it says too little without words of whoever chooses it.
    wants_words: bool = False
    retired: bool = False


@dataclass(frozen=True)
class Rules:
    """All clauses and reasons of one version, retired ones too: decisions and reports name them."""

    version: int
    all_clauses: tuple[Clause, ...]
    all_reasons: tuple[Reason, ...]
    # For how many days after a rejection its author may appeal.
    appeal_days: int = 183

    @property
    def clauses(self) -> list[Clause]:
        """The rules in force, by number."""
        return [clause for clause in self.all_clauses if not clause.retired]

    @property
    def reasons(self) -> dict[str, Reason]:
        """The reasons to choose from, by code, in their order."""
        return {reason.code: reason for reason in self.all_reasons if not reason.retired}

    @property
    def choices(self) -> dict[str, str]:
        """What a list of reasons offers: titles by code."""
        return {code: reason.title for code, reason in self.reasons.items()}

    @property
    def short(self) -> str:
        """The rules in a few words, for beside the comment form."""
        return " ".join(clause.short for clause in self.clauses if clause.short)

    def title_of(self, code: str) -> str:
        """How people read a reason, retired or not."""
        return next((each.title for each in self.all_reasons if each.code == code), code)

    def clause_of(self, reason: Reason) -> Clause:
        """The clause that a reason points at."""
        return next(clause for clause in self.all_clauses if clause.number == reason.clause)

    def told_by(self, label: str) -> frozenset[str]:
        """The codes of reasons that tell of a label; toxicity is told of by each that has one."""
        return frozenset(
            each.code
            for each in self.all_reasons
            if each.label and (label in ("toxicity", each.label))
        )

    def reason_of(self, findings: Sequence[Finding]) -> Reason:
        """The reason that stands for what was found.

        What a listed word names comes first: an admin chose it for that very word. Then that of a
        label that was over, else the last.
        """
        chosen = (finding.reason for finding in findings if finding.reason in self.reasons)
        if code := next(chosen, ""):
            return self.reasons[code]
        over = [finding.label for finding in findings if finding.code == "above_reject"]
        labelled = [reason for reason in self.reasons.values() if reason.label]
        named = (reason for label in over for reason in labelled if reason.label == label)
        found = next(named, None) or next(iter(labelled if over else ()), None)
        return found or list(self.reasons.values())[-1]

    def words_of(self, code: str) -> dict[str, Any] | None:
        """A reason and its clause as they read now, for a decision to keep. None: no such code."""
        reason = next((each for each in self.all_reasons if each.code == code), None)
        if reason is None:
            return None
        clause = self.clause_of(reason)
        return {
            "reason": reason.title,
            "number": clause.number,
            "title": clause.title,
            "text": clause.text,
        }

    def with_clause(self, clause: Clause) -> "Rules":
        """Return these rules with a clause put in its number's place, or added at the end."""
        kept = [clause if old.number == clause.number else old for old in self.all_clauses]
        if clause not in kept:
            kept.append(clause)
        return _checked(replace(self, all_clauses=tuple(kept)))

    def with_reason(self, reason: Reason) -> "Rules":
        """Return these rules with a reason put in its code's place, or added at the end."""
        kept = [reason if old.code == reason.code else old for old in self.all_reasons]
        if reason not in kept:
            kept.append(reason)
        return _checked(replace(self, all_reasons=tuple(kept)))

    def with_appeal_days(self, days: int) -> "Rules":
        """Return these rules with another time to appeal."""
        return _checked(replace(self, appeal_days=days))

    @property
    def next_number(self) -> int:
        """The number of a clause that is added."""
        return max((clause.number for clause in self.all_clauses), default=0) + 1

    @property
    def next_code(self) -> str:
        """The code of a reason that is added."""
        return f"reason_{len(self.all_reasons) + 1}"

    def to_json(self) -> dict[str, Any]:
        """Return plain values; `_read` reads them back."""
        return {
            "clauses": [asdict(clause) for clause in self.all_clauses],
            "reasons": [asdict(reason) for reason in self.all_reasons],
            "appeal_days": self.appeal_days,
        }


def _read(version: int, content: Mapping[str, Any]) -> Rules:
    return Rules(
        version,
        tuple(Clause(**each) for each in content["clauses"]),
        tuple(Reason(**each) for each in content["reasons"]),
        content["appeal_days"],
    )


def _checked(rules: Rules) -> Rules:
    for clause in rules.all_clauses:
        _between("title", "The name of a rule", clause.title, 1, TITLE)
        _between("text", "A rule", clause.text, 1, TEXT)
        _between("short", "The short form", clause.short, 0, SHORT)
    in_force = {clause.number for clause in rules.clauses}
    for reason in rules.all_reasons:
        _between("title", "A reason", reason.title, 1, TITLE)
        if reason.label and reason.label not in labels.NAMES:
            raise InvalidRules("There is no such label.", "label")
        if not reason.retired and reason.clause not in in_force:
            raise InvalidRules(
                f"The reason “{reason.title}” needs a rule that is in force. Let it point at"
                " another one, or retire it.",
                "clause",
            )
    titles = [reason.title.casefold() for reason in rules.reasons.values()]
    if len(set(titles)) != len(titles):
        raise InvalidRules("There is a reason of this name already.", "title")
    if not rules.reasons:
        raise InvalidRules("One reason at least must remain: nobody could reject.", "retired")
    if not 1 <= rules.appeal_days <= 3650:
        raise InvalidRules("Give authors from 1 to 3650 days to appeal.", "days")
    if max(len(rules.clauses), len(rules.reasons)) > MOST:
        raise InvalidRules(f"More than {MOST} are too many to choose from.", "title")
    return rules


def _between(field: str, what: str, typed: str, least: int, most: int) -> None:
    if not least <= len(typed) <= most:
        few = "cannot be empty" if not typed else f"has {most} characters at most"
        raise InvalidRules(f"{what} {few}.", field)


DEFAULT = Rules(
    0,
    (
        Clause(
            1,
            "Stay with the subject",
            "Comments are about the article. Say where a claim comes from when you can.",
            "Stay with the subject, and be fair to people.",
        ),
        Clause(
            2,
            "Be fair to people",
            "Criticise what is said, not who says it. We do not publish insults, nor what is"
            " written to humiliate or to pursue somebody.",
            "No insults.",
        ),
        Clause(
            3,
            "No hatred",
            "We do not publish attacks on people for their origin, colour, faith, sex, sexual"
            " orientation, disability or age.",
        ),
        Clause(
            4,
            "No threats",
            "We do not publish threats or calls for violence, in earnest or in jest.",
            "No threats.",
        ),
        Clause(5, "Decent language", "We do not publish obscene language."),
        Clause(
            6,
            "No advertising",
            "We do not publish advertising, links for their own sake, and the same words again"
            " and again.",
            "No advertising.",
        ),
        Clause(
            7,
            "Private life",
            "We do not publish private details of other people: where they live, their telephone"
            " numbers, their health.",
        ),
        Clause(
            8,
            "Room for a discussion",
            "We may reject what makes a discussion impossible in a way that these rules do not"
            " foresee. We then say why in words.",
        ),
    ),
    (
        Reason("harassment", "Harassment", 2, "insult"),
        Reason("hate", "Hate", 3, "identity_attack"),
        Reason("threat", "Threat", 4, "threat"),
        Reason("obscenity", "Obscenity", 5, "obscene"),
        Reason("spam", "Spam", 6),
        Reason("off_topic", "Off topic", 1),
        Reason("private", "Private details", 7),
        Reason("other", "Other", 8, wants_words=True),
    ),
)


def start(session: Session) -> None:
    """Give a site that has no rules yet the default ones."""
    if _newest(session) is None:
        session.add(
            RulesVersion(
                content=DEFAULT.to_json(),
                change="The rules that a new site begins with.",
                adopted_at=time_of(session),
            )
        )


def in_force(session: Session) -> Rules:
    """Return the newest version. Raises LookupError on a site that was never set up."""
    found = _newest(session)
    if found is None:
        raise LookupError("No rules yet: run 'forum migrate'.")
    return _read(found.id, found.content)


def _newest(session: Session) -> RulesVersion | None:
    return session.scalar(select(RulesVersion).order_by(RulesVersion.id.desc()).limit(1))


def adopt(session: Session, rules: Rules, *, author: int | None, change: str) -> RulesVersion:
    """Put rules in force that were made from the version `rules.version`; `change` says how they
    differ, and stands in the log. Raises RulesChanged when that is not in force any more.
    """
    current = in_force(session)
    if current.version != rules.version:
        raise RulesChanged
    new = RulesVersion(
        based_on=rules.version,
        author=author,
        change=change,
        adopted_at=time_of(session),
        content=rules.to_json(),
    )
    try:
        with session.begin_nested():
            session.add(new)
            session.flush()
    except IntegrityError:
        raise RulesChanged from None
    if author is not None:
        acts.record(session, Did.RULES, actor=author, words=change)
    return new


def versions(
    session: Session, *, before: int | None = None, at_most: int = 50
) -> list[RulesVersion]:
    """Return what was changed, by whom and when, newest first."""
    query = select(RulesVersion).order_by(RulesVersion.id.desc()).limit(at_most)
    if before is not None:
        query = query.where(RulesVersion.id < before)
    return list(session.scalars(query))
