"""The webhook: tells a program of the operator's when an alarm is opened and when it is cleared.

What is to be told is a row, written with the alarm. It is leased as mails are: what a dead caller
held is taken over, and what was not taken is tried again.
"""

import hashlib
import hmac
import http.client
import json
import secrets
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from forum.sending import Sending
from forum.settings import Settings
from forum.tables import AlarmCall
from moderation.notices import PAUSES
from moderation.tables import time_of

log = structlog.get_logger("forum.webhook")

AT_ONCE = 10
LEASE = timedelta(minutes=5)
# The other side is waited for no longer, in seconds.
PATIENCE = 10.0
TRIED_FOR = timedelta(days=2)


class NotTaken(Exception):
    """The other side is away, or did not answer 2xx. The message says what it said."""


@dataclass(frozen=True)
class Leased:
    """A call in a caller's hands. `attempts` counts this one."""

    id: int
    body: dict[str, Any]
    at: datetime
    attempts: int
    lease: str


class Caller(Sending):
    """Posts what is to be told of alarms.

    What is not answered with 2xx is tried again, with growing pauses, for TRIED_FOR. No redirect
    is followed: only the operator says where it goes.
    """

    @property
    def wanted(self) -> bool:
        return bool(self._settings.alarm_webhook)

    def round(self) -> int:
        """Post one batch; return how many calls it dealt with, whatever came of it."""
        with self._transaction() as session:
            leased = _lease(session)
        for each in leased:
            if self._stopping.is_set():
                break
            # No transaction is open while the other side is spoken to.
            problem = ""
            try:
                post(self._settings, each)
            except NotTaken as refused:
                problem = str(refused)
                log.warning("webhook_not_called", call=each.id, problem=problem)
            with self._transaction() as session:
                _settle(session, each, problem)
        return len(leased)


def _lease(session: Session) -> list[Leased]:
    now, key = time_of(session), secrets.token_hex(8)
    ready = (
        select(AlarmCall.id)
        .where(AlarmCall.ready_at <= now)
        .order_by(AlarmCall.ready_at, AlarmCall.id)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    rows = session.execute(
        update(AlarmCall)
        .where(AlarmCall.id.in_(ready))
        .values(lease=key, ready_at=now + LEASE, attempts=AlarmCall.attempts + 1)
        .returning(AlarmCall.id, AlarmCall.body, AlarmCall.at, AlarmCall.attempts)
        .execution_options(synchronize_session=False)
    ).all()
    found = [Leased(row.id, row.body, row.at, row.attempts, key) for row in rows]
    return sorted(found, key=lambda each: each.id)


def _settle(session: Session, leased: Leased, problem: str) -> None:
    now = time_of(session)
    values: dict[str, Any] = {"lease": None, "last_error": problem}
    if not problem:
        values |= {"ready_at": None, "sent_at": now}
    elif leased.at + TRIED_FOR < now:
        values["ready_at"] = None
    else:
        values["ready_at"] = now + PAUSES[min(leased.attempts, len(PAUSES)) - 1]
    session.execute(
        update(AlarmCall)
        .where(AlarmCall.id == leased.id, AlarmCall.lease == leased.lease)
        .values(values)
    )


def post(settings: Settings, leased: Leased) -> None:
    """Post one call. Raises NotTaken."""
    where = urlsplit(settings.alarm_webhook)
    # With the number of the call, which stays the same at every try: so it is known again.
    body = json.dumps({"id": leased.id, "site": settings.address, **leased.body}).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "forum"}
    if key := settings.alarm_webhook_secret.get_secret_value():
        headers["X-Forum-Signature"] = f"sha256={signature(key, body)}"
    path = (where.path or "/") + (f"?{where.query}" if where.query else "")
    connection: http.client.HTTPConnection | None = None
    try:
        if where.scheme == "https":
            connection = http.client.HTTPSConnection(
                where.netloc, timeout=PATIENCE, context=ssl.create_default_context()
            )
        else:
            connection = http.client.HTTPConnection(where.netloc, timeout=PATIENCE)
        connection.request("POST", path, body, headers)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException, ValueError) as problem:
        raise NotTaken(type(problem).__name__) from problem
    finally:
        if connection is not None:
            connection.close()
    if not 200 <= status < 300:
        raise NotTaken(f"It answered {status}")


def signature(key: str, body: bytes) -> str:
    """Return the HMAC-SHA256 of a body, in hexadecimal: who knows the key can reckon it again."""
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
