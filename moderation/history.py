"""What the site knows of the texts that it scored, as columns: what simulations are made of."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    Select,
    case,
    cast,
    func,
    literal,
    select,
)
from sqlalchemy.orm import Session

from moderation import audits, labels
from moderation.audits import Stratum
from moderation.decisions import Kind
from moderation.policy import (
    SIGNALS,
    Means,
    Mode,
    Override,
    Policy,
    Scope,
    Status,
    Threshold,
    Where,
)
from moderation.tables import Audit, Batch, Case, Decision, Score, Section, Sweep, SweepCase

Numbers = NDArray[np.float64]
Codes = NDArray[np.int8]
Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]

# A status as a small number; the stricter one is the higher.
PUBLISHED, HELD, REJECTED = 0, 1, 2
STATUSES: Sequence[Status] = (Status.PUBLISHED, Status.HELD, Status.REJECTED)
NONE = -1  # no verdict recorded, or nobody has decided

# What people said of a text.
KEEP, REMOVE = 0, 1
ANSWERS = (audits.APPROVE, audits.REJECT)

# How a text came to be looked at, as a small number. UNDRAWN: nobody could have by chance.
STRATA = (Stratum.PUBLISHED, Stratum.NEAR, Stratum.HELD, Stratum.REJECTED)
SWEPT, UNDRAWN = len(STRATA), len(STRATA) + 1

# Signals as bits; the last bit stands for every signal that no policy decides on.
BIT = {code: 1 << place for place, code in enumerate(SIGNALS)}
_OTHER = 1 << len(SIGNALS)

# So many texts at most are looked at together; beyond, the newest.
AT_MOST = 2_000_000
_AT_ONCE = 2_000


@dataclass(frozen=True)
class History:
    """Texts that one classifier scored, each revision a row, in the order of cases.

    `scores` has a column a label of `labels.NAMES`; NaN where a label was not scored. `at` is when
    a text was scored, in seconds since 1970. `signals` are bits (BIT), `good` how many good
    comments the author had then, `context` where the text stands. `verdict` is what the policy of
    then decided (PUBLISHED, HELD, REJECTED or NONE) under `version`, 0 if none; `people` what a
    person said of this revision and nobody took back (KEEP, REMOVE or NONE). `section` is the
    number of its section, whose path is in `sections`, `older` the age of its context in whole
    days, both as they were then; left out, texts stand in no section, below something new.

    `stratum` is how it came to be looked at: a place in STRATA, SWEPT or UNDRAWN. `chance` is the
    probability with which it was drawn to be judged, and `said` (KEEP, REMOVE or NONE) what who
    judged it said: see `drawn`. Left out, nobody could have looked at anything by chance.
    """

    case_id: Whole
    revision: Whole
    at: Whole
    scores: Numbers
    signals: Whole
    good: Whole
    context: Whole
    verdict: Codes
    version: Whole
    people: Codes
    stratum: Codes = field(default_factory=lambda: np.zeros(0, dtype=np.int8))
    chance: Numbers = field(default_factory=lambda: np.zeros(0))
    said: Codes = field(default_factory=lambda: np.zeros(0, dtype=np.int8))
    section: Whole = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    older: Whole = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    sections: Mapping[int, str] = field(default_factory=lambda: {0: ""})

    def __post_init__(self) -> None:
        n = len(self)
        if len(self.stratum) != n:
            object.__setattr__(self, "stratum", np.full(n, UNDRAWN, dtype=np.int8))
            object.__setattr__(self, "chance", np.zeros(n))
            object.__setattr__(self, "said", np.full(n, NONE, dtype=np.int8))
        if len(self.section) != n:
            object.__setattr__(self, "section", np.zeros(n, dtype=np.int64))
            object.__setattr__(self, "older", np.zeros(n, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.case_id)

    def where(self, which: NDArray[Any] | slice) -> "History":
        """Return those texts for which `which` is true, or those at the places that it names."""
        rest = {name: getattr(self, name)[which] for name in _COLUMNS if name != "scores"}
        return replace(self, scores=self.scores.T[:, which].T, **rest)

    @property
    def days(self) -> float:
        """How many days lie between the first text and the last, at least one."""
        return max(1.0, float(np.ptp(self.at)) / 86_400) if len(self) else 1.0


# All but the paths of the sections, which are for all rows together.
_COLUMNS = tuple(f.name for f in fields(History) if f.name != "sections")


def read(
    session: Session,
    classifier_id: int,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    cases: Sequence[int] | None = None,
    at_most: int = AT_MOST,
) -> History:
    """Read the texts that this classifier scored in a time; of very many the newest `at_most`.

    `cases` are the only ones to read, if given: some thousands at most.
    """
    asked = (
        select(
            Score.case_id,
            Score.revision,
            _seconds(session, Score.scored_at),
            _bits(Score.signals),
            Score.good,
            Case.context,
            func.coalesce(Score.section_id, 0),
            Score.older,
            *(getattr(Score, name) for name in labels.NAMES),
        )
        .join(Case, Case.id == Score.case_id)
        .where(Score.classifier_id == classifier_id)
        .order_by(Score.case_id.desc(), Score.revision.desc())
        .limit(at_most)
    )
    if since is not None:
        asked = asked.where(Score.scored_at >= since)
    if until is not None:
        asked = asked.where(Score.scored_at < until)
    if cases is not None:
        asked = asked.where(Score.case_id.in_(cases))
    parts = [
        (
            rows[:, :2].astype(np.int64),
            rows[:, 2].astype(np.int64),
            rows[:, 3].astype(np.int16),
            rows[:, 4].astype(np.int32),
            rows[:, 5].astype(np.int64),
            rows[:, 6].astype(np.int32),
            rows[:, 7].astype(np.int32),
            rows[:, 8:].copy(),
        )
        for rows in _numbers(session, asked)
    ]
    if not parts:
        return empty()
    # Newest first was for the limit.
    text, at, signals, good, context, section, older, scores = (
        np.concatenate([part[place][::-1] for part in reversed(parts)]) for place in range(8)
    )
    case_id = np.ascontiguousarray(text[:, 0])
    texts = _key(case_id, text[:, 1])
    among = (
        Decision.case_id.between(int(case_id[0]), int(case_id[-1]))
        if cases is None
        else Decision.case_id.in_(cases)
    )
    verdict, version, stratum, chance, applied = _verdicts(session, texts, among)
    people, swept = _people(session, texts, among)
    # A policy that was applied to what was held took it away unseen: the rest is no sample of it.
    unseen = applied[people[applied] == NONE]
    stratum[unseen], chance[unseen] = UNDRAWN, 0.0
    said = _said(session, texts, int(case_id[0]), stratum, people)
    _sweep(session, texts, swept, stratum, chance, said)
    return History(
        case_id=case_id,
        revision=text[:, 1].astype(np.int32),
        at=at,
        # A label's scores lie beside each other: it is by labels that texts are judged.
        scores=np.asfortranarray(scores),
        signals=signals,
        good=good,
        context=context,
        verdict=verdict,
        version=version,
        people=people,
        stratum=stratum,
        chance=chance,
        said=said,
        section=section,
        older=older,
        sections=_sections(session),
    )


def _sections(session: Session) -> dict[int, str]:
    """Return the path of each section by its number; 0 is none."""
    return {0: "", **dict(session.execute(select(Section.id, Section.path)).all())}


def _numbers(session: Session, asked: Select[Any]) -> Iterator[Numbers]:
    """Yield what a query of numbers finds, some rows at a time; NaN where there is none.

    A million rows are no objects here: on PostgreSQL the server sends them in its binary form,
    and on SQLite they are the driver's tuples.
    """
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        yield from _copied(connection, asked)
        return
    with connection.execute(asked) as result:
        while rows := result.cursor.fetchmany(_AT_ONCE):
            yield np.array(rows, dtype=np.float64)


def _all(session: Session, asked: Any) -> Numbers:
    found = list(_numbers(session, asked))
    return np.concatenate(found) if found else np.zeros((0, len(asked.selected_columns)))


def _copied(connection: Connection, asked: Select[Any]) -> Iterator[Numbers]:
    """Yield what PostgreSQL finds, by COPY in its binary form: all values are of one width."""
    nothing = cast(literal("NaN"), Double)
    plain = asked.with_only_columns(
        *(func.coalesce(cast(each, Double), nothing) for each in asked.selected_columns),
        maintain_column_froms=True,
    )
    told = plain.compile(connection, compile_kwargs={"render_postcompile": True})
    width = len(asked.selected_columns)
    # Every row begins with how many values it has, every value with how many bytes.
    row = np.dtype([("many", ">i2"), ("cells", [("bytes", ">i4"), ("value", ">f8")], (width,))])
    raw: Any = connection.connection.driver_connection
    with (
        raw.cursor() as cursor,
        cursor.copy(f"COPY ({told}) TO STDOUT (FORMAT BINARY)", told.params) as copy,
    ):
        sent = iter(copy)
        left = bytes(next(sent))[_COPY_HEAD:]
        while pieces := list(islice(sent, _AT_ONCE)):
            left += b"".join(pieces)
            many = len(left) // row.itemsize
            rows = np.frombuffer(left, dtype=row, count=many)
            yield rows["cells"]["value"].astype(np.float64)
            left = left[many * row.itemsize :]


# What PostgreSQL sends before the first row, in bytes; what follows the last is shorter than a row.
_COPY_HEAD = 19


def _seconds(session: Session, moment: Any) -> Any:
    """A moment as seconds since 1970, reckoned by the database."""
    if session.get_bind().dialect.name == "sqlite":
        return func.unixepoch(moment)
    return func.floor(func.extract("epoch", moment))


def _bits(signals: Any) -> Any:
    """The codes of signals, with a space between two, as bits; reckoned by the database."""
    spaced = literal(" ") + signals + literal(" ")
    seen = [case((spaced.contains(f" {code} ", autoescape=True), 1), else_=0) for code in BIT]
    words = func.length(signals) - func.length(func.replace(signals, " ", "")) + 1
    bits = sum(bit * each for bit, each in zip(BIT.values(), seen, strict=True))
    others = case((words > sum(seen), _OTHER), else_=0)
    return case((signals == "", 0), else_=bits + others)


def _key(case_id: Whole, revision: Whole) -> Whole:
    """One number for a case and a revision, in their order."""
    return case_id << np.int64(16) | np.minimum(revision, 0xFFFF)


def _placed(texts: Whole, keys: Whole) -> tuple[Whole, NDArray[np.bool_]]:
    """Return where each key stands among `texts`, which are in order, and whether it does."""
    at = np.searchsorted(texts, keys)
    at[at == len(texts)] = 0
    return at, texts[at] == keys


def _keys(found: Numbers, first: int = 0) -> Whole:
    """Return the keys of rows whose columns from `first` on are a case and a revision."""
    return _key(found[:, first].astype(np.int64), found[:, first + 1].astype(np.int64))


def _numbered(column: Any, names: Iterable[str]) -> Any:
    """A column's word as its place among `names`; empty for any other."""
    return case({name: place for place, name in enumerate(names)}, value=column)


def _verdicts(
    session: Session, texts: Whole, among: ColumnElement[bool]
) -> tuple[Codes, Any, Codes, Any, Whole]:
    """Return each text's verdict and its version, and from what it was drawn by which chance.

    And the places of those to which a policy was applied later: that is no verdict of its time.
    """
    verdict = np.full(len(texts), NONE, dtype=np.int8)
    version = np.zeros(len(texts), dtype=np.int32)
    stratum = np.full(len(texts), UNDRAWN, dtype=np.int8)
    chance = np.zeros(len(texts), dtype=np.float32)
    asked = (
        select(
            Decision.case_id,
            Decision.revision,
            _numbered(Decision.to_status, [each.value for each in STATUSES]),
            func.coalesce(Decision.policy_version_id, 0),
            func.coalesce(_numbered(Decision.stratum, [each.value for each in STRATA]), UNDRAWN),
            func.coalesce(Decision.share, 0),
            func.coalesce(Decision.batch_id, 0),
        )
        .where(among, Decision.kind == Kind.VERDICT.value)
        .order_by(Decision.case_id, Decision.id)
    )
    applied = [np.zeros(0, dtype=np.int64)]
    for rows in _numbers(session, asked):
        at, there = _placed(texts, _keys(rows))
        later = rows[:, 6] > 0
        applied.append(at[there & later])
        found, there = rows[:, :6], there & ~later
        verdict[at[there]], version[at[there]], stratum[at[there]], chance[at[there]] = found[
            there, 2:
        ].T
    # All that is held is looked at, whether its words alone were shown or not.
    held = verdict == HELD
    stratum[held], chance[held] = STRATA.index(Stratum.HELD), 1.0
    stratum[chance == 0.0] = UNDRAWN
    return verdict, version, stratum, chance, np.concatenate(applied)


def _people(
    session: Session, texts: Whole, among: ColumnElement[bool]
) -> tuple[Codes, dict[int, Whole]]:
    """Return what people said of each text, and by sweep those approved there without a look."""
    kinds = [Kind.APPROVE.value, Kind.REJECT.value, Kind.UNDO.value]
    found = _all(
        session,
        select(
            Decision.case_id,
            Decision.revision,
            Decision.id,
            _numbered(Decision.kind, kinds),
            func.coalesce(Decision.undoes_id, 0),
            func.coalesce(Batch.sweep_id, 0),
        )
        .outerjoin(Batch, Batch.id == Decision.batch_id)
        .where(Decision.kind.in_(kinds), among)
        .order_by(Decision.id),
    )
    undo = kinds.index(Kind.UNDO)
    found = found[(found[:, 3] != undo) & ~np.isin(found[:, 2], found[:, 4])]
    at, there = _placed(texts, _keys(found))
    at, found = at[there], found[there]
    people = np.full(len(texts), NONE, dtype=np.int8)
    sweep = np.zeros(len(texts), dtype=np.int64)
    # In the order of the log: of several the last one stands.
    people[at] = np.where(found[:, 3] == kinds.index(Kind.REJECT), REMOVE, KEEP)
    sweep[at] = found[:, 5]
    swept = np.unique(sweep[sweep > 0]).tolist()
    return people, {number: np.flatnonzero(sweep == number) for number in swept}


def _said(session: Session, texts: Whole, first: int, stratum: Codes, people: Codes) -> Codes:
    """Return what those said who came to a text by its chance.

    Of what was held that is what was decided; of the rest, what an audit answered. A text that
    readers reported tells of itself alone: that it was looked at says already that it is worse than
    others, and one that an audit removed early could not be reported any more.
    """
    said = np.full(len(texts), NONE, dtype=np.int8)
    held = stratum == STRATA.index(Stratum.HELD)
    said[held] = people[held]
    answers = _all(
        session,
        select(Audit.case_id, Audit.revision, _numbered(Audit.answer, ANSWERS))
        .where(
            Audit.case_id >= first,
            Audit.answer.in_(ANSWERS),
            Audit.stratum.in_([each.value for each in STRATA if each is not Stratum.HELD]),
        )
        .order_by(Audit.id),
    )
    at, there = _placed(texts, _keys(answers))
    said[at[there]] = answers[there, 2]
    said[stratum == UNDRAWN] = NONE
    return said


def _sweep(
    session: Session,
    texts: Whole,
    swept: dict[int, Whole],
    stratum: Codes,
    chance: Numbers,
    said: Codes,
) -> None:
    """Let those approved by a sweep without a look be told of by those drawn for it."""
    if not swept:
        return
    drawn = _all(
        session,
        select(SweepCase.case_id, SweepCase.revision, SweepCase.sweep_id)
        .join(Sweep, Sweep.id == SweepCase.sweep_id)
        .where(SweepCase.sweep_id.in_(swept), SweepCase.position <= Sweep.drawn),
    )
    at, there = _placed(texts, _keys(drawn))
    for number, rest in swept.items():
        looked = at[there & (drawn[:, 2] == number)]
        said[rest] = NONE
        for some in (looked, rest):
            stratum[some], chance[some] = SWEPT, len(looked) / (len(looked) + len(rest))
        if not len(looked):
            stratum[rest] = UNDRAWN


def replaced(
    known: History, cases: Whole, by: Sequence[History], *, at_most: int
) -> History | None:
    """Put what was read anew of `cases` (in order, as are the parts of `by`) in place of the old.

    None where it is the same as before. Of more than `at_most` texts the newest are left.
    """
    # Most of the time only the end changes, and the rest is copied as it is.
    start = int(np.searchsorted(known.case_id, cases[0]))
    tail = known.where(slice(start, None))
    mixed = joined([tail.where(~np.isin(tail.case_id, cases)), *by])
    mixed = mixed.where(np.argsort(_key(mixed.case_id, mixed.revision), kind="stable"))
    if _same(tail, mixed):
        return None
    merged = joined([known.where(slice(start)), mixed])
    return merged if len(merged) <= at_most else merged.where(slice(-at_most, None))


def _same(one: History, other: History) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=name == "scores")
        for name in _COLUMNS
    )


def joined(parts: Sequence[History]) -> History:
    """Put histories one after the other."""
    rest = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in _COLUMNS
        if name != "scores"
    }
    return History(
        scores=np.concatenate([part.scores.T for part in parts], axis=1).T,
        sections={number: path for part in parts for number, path in part.sections.items()},
        **rest,
    )


def empty() -> History:
    """Return a history without texts."""
    whole, codes = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int8)
    return History(
        case_id=whole,
        revision=whole,
        at=whole,
        scores=np.zeros((0, len(labels.NAMES))),
        signals=whole,
        good=whole,
        context=whole,
        verdict=codes,
        version=whole,
        people=codes,
    )


def judge_all(history: History, policy: Policy) -> Codes:
    """Judge every text: the status that `policy.judge` gives each, as a number a text."""
    found = by_signals(history, policy)
    for name in policy.named:
        np.maximum(found, by_label(history, policy, name), out=found)
    return found


def by_label(history: History, policy: Policy, name: str) -> Codes:
    """Return the status that one label's thresholds give each text, the site's or its place's."""
    score = history.scores[:, labels.NAMES.index(name)]
    found = _reached(score, policy.thresholds.get(name, Threshold()))
    # The last one that writes decides.
    for override in reversed(policy.overrides):
        if name in override.thresholds:
            own = _covers(history, override)
            found[own] = _reached(score[own], override.thresholds[name])
    return found


def _reached(score: Numbers, threshold: Threshold) -> Codes:
    found = np.zeros(len(score), dtype=np.int8)
    if threshold.hold is None and threshold.reject is None:
        return found
    # What is unknown is not published; and no comparison with NaN is true.
    if threshold.hold is not None:
        found[score >= threshold.hold] = HELD
    if threshold.reject is not None:
        found[score >= threshold.reject] = REJECTED
    found[~np.isfinite(score)] = HELD
    return found


def covered(history: History, policy: Policy, label: str) -> Flags:
    """Say of each text whether thresholds of its place, not the site's, decide on this label."""
    found = np.zeros(len(history), dtype=np.bool_)
    for override in policy.overrides:
        if label in override.thresholds:
            found |= _covers(history, override)
    return found


def _covers(history: History, override: Override) -> Flags:
    """Say of each text whether it stands where an override is for, as `Override.covers` does."""
    found: Flags
    match override.where:
        case Where.CONTEXT:
            found = history.context == override.value
        case Where.SECTION:
            within = [
                number
                for number, path in history.sections.items()
                if replace(override, until=None).covers(Scope(section=path))
            ]
            found = np.isin(history.section, within)
        case Where.OLDER:
            found = history.older >= int(override.value)
        case Where.GOOD:
            found = history.good >= int(override.value)
    if override.until is not None:
        found = found & (history.at < (override.until - _EPOCH).total_seconds())
    return found


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def by_signals(history: History, policy: Policy) -> Codes:
    """Return the status that a policy gives each text for its signals, and by its mode."""
    everything = policy.mode is Mode.HOLD_EVERYTHING
    found = np.full(len(history), HELD if everything else PUBLISHED, dtype=np.int8)
    for means, status in ((Means.HOLD, HELD), (Means.REJECT, REJECTED)):
        codes = [code for code, each in policy.signals.items() if each is means]
        always = sum(BIT[code] for code in codes if code not in policy.trust)
        if means is Means.HOLD:
            always |= _OTHER
        seen = (history.signals & always) != 0
        for code in codes:
            if code in policy.trust:
                skipped = history.good >= policy.trust[code]
                seen |= ((history.signals & BIT[code]) != 0) & ~skipped
        found[seen] = status
    return found
