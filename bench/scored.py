"""Makes a site of scored comments, and nothing else of them: what simulations are made of."""

from datetime import timedelta
from typing import Any

import numpy as np
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from bench.site import settings_for
from forum import migrate
from forum.database import Database
from moderation import labels, policies
from moderation.audits import Stratum
from moderation.history import HELD, PUBLISHED, STATUSES, History, judge_all
from moderation.policy import Status
from moderation.tables import Audit, AuditVersion, Case, Decision, Score

_AT_ONCE = 20_000
DAYS = 90
_CONTEXTS = 300
_AUDITED = {Stratum.PUBLISHED: 0.01, Stratum.NEAR: 0.05, Stratum.REJECTED: 0.1, Stratum.HELD: 1.0}


def make(url: str, texts: int) -> None:
    """Migrate an empty database and fill it with so many texts, scored, judged and audited."""
    database = Database(url)
    try:
        migrate.upgrade(database, settings_for(url))
        with database.writing() as session:
            session.add(
                AuditVersion(
                    id=1, author=1, note="", adopted_at=session.info["time"],
                    content={"published": 0.01, "near": 0.05, "rejected": 0.1},
                )
            )  # fmt: skip
        with database.writing() as session:
            pour(session, min(texts, _AT_ONCE))
        for copy in range(1, -(-texts // _AT_ONCE)):
            with database.writing() as session:
                _copy(session, copy * _AT_ONCE, min(_AT_ONCE, texts - copy * _AT_ONCE))
        if not database.is_sqlite:
            with database.writer.connect() as connection:
                connection.exec_driver_sql("ANALYZE")
    finally:
        database.close()


def _copy(session: Session, further: int, many: int) -> None:
    """Write the first texts again under other numbers: the database alone is quick at it."""
    for model, of_case in ((Case, Case.id), (Score, Score.case_id), (Decision, Decision.case_id),
                           (Audit, Audit.case_id)):  # fmt: skip
        table = model.__table__
        step = {"id": further * 2 if model is Decision else further, "case_id": further,
                "decision_id": further * 2}  # fmt: skip
        columns = [column + step.get(column.name, 0) if column.name in step else column
                   for column in table.columns]  # fmt: skip
        its = select(*columns).where(of_case <= many)
        session.execute(insert(model).from_select([c.name for c in table.columns], its))


def pour(session: Session, many: int) -> None:
    """Fill an empty site with so many texts of the last DAYS, a tenth of them held and decided."""
    chance = np.random.default_rng(2)
    current = policies.in_force(session)
    # About one in ten reaches a threshold.
    limits = [current.policy.thresholds[name].hold or 0.5 for name in labels.NAMES]
    scores = (chance.beta(0.25, 5.0, (many, len(limits))) * 3 * np.array(limits)).clip(0, 1)
    whole = np.zeros(many, dtype=np.int64)
    known = History(
        whole, whole, whole, scores, whole, whole, whole,
        whole.astype(np.int8), whole, whole.astype(np.int8),
    )  # fmt: skip
    judged = judge_all(known, current.policy)
    bad = chance.random(many) < (scores / limits).max(axis=1) / 3
    drawn = chance.random(many)
    now = session.info["time"]
    rows: dict[Any, list[dict[str, Any]]] = {Case: [], Score: [], Decision: [], Audit: []}
    number = audit = 0
    for place in range(many):
        case = place + 1
        at = now - timedelta(days=DAYS * (1 - case / (many + 1)))
        status = STATUSES[judged[place]]
        context = 1 + case % _CONTEXTS
        rows[Case].append(
            {
                "id": case, "text": "The benches by the river were painted again.",
                "status": status.value, "author": 1 + case % 5000, "context": context,
                "script": "latin", "opened_at": at, "waiting_since": None, "withdrawn_at": None,
            }
        )  # fmt: skip
        rows[Score].append(
            {
                "case_id": case, "revision": 1, "classifier_id": current.classifier_id,
                "scored_at": at, "good": case % 40, "signals": "link" if case % 9 == 0 else "",
                **dict(zip(labels.NAMES, scores[place].tolist(), strict=True)),
            }
        )  # fmt: skip
        near = judged[place] == PUBLISHED and (scores[place] / limits).max() > 0.5
        stratum = Stratum.NEAR if near else Stratum(status.value)
        number += 1
        verdict = {
            "id": number, "case_id": case, "revision": 1, "at": at, "kind": "verdict",
            "actor": None, "from_status": Status.PENDING.value, "to_status": status.value,
            "findings": [], "policy_version_id": current.id, "stratum": stratum.value,
            "share": _AUDITED[stratum],
        }  # fmt: skip
        rows[Decision].append(verdict)
        says = "reject" if bad[place] else "approve"
        if judged[place] == HELD:
            number += 1
            to = Status.REJECTED if bad[place] else Status.PUBLISHED
            rows[Decision].append(
                verdict
                | {
                    "id": number, "kind": says, "actor": 2, "from_status": Status.HELD.value,
                    "to_status": to.value, "stratum": None, "share": None,
                }
            )  # fmt: skip
        elif drawn[place] < _AUDITED[stratum]:
            audit += 1
            rows[Audit].append(
                {
                    "id": audit, "case_id": case, "revision": 1, "decision_id": verdict["id"],
                    "stratum": stratum.value, "share": _AUDITED[stratum], "expected": "approve",
                    "words_alone": True, "since": at, "drawn_at": at, "ended_at": at,
                    "answer": says, "answered_by": 2,
                }
            )  # fmt: skip
    for model, values in rows.items():
        if values:
            session.execute(insert(model), values)
    if session.get_bind().dialect.name == "postgresql":
        # Its counters do not know of numbers that were given.
        for model in (Case, Decision, Audit):
            counter = func.pg_get_serial_sequence(model.__tablename__, "id")
            last = select(func.max(model.id)).scalar_subquery()
            session.execute(select(func.setval(counter, last)))
