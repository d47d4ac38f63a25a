"""The page of the work: what comes, what is done, what waits, and what it comes from."""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from forum import workload as work
from forum.web.pages import page
from forum.web.state import state_of
from forum.web.transactions import read


async def workload(request: Request) -> Response:
    """The last 24 hours and 14 days of the review queue."""
    zone = state_of(request).settings.zone
    return await page(
        request,
        "moderator/workload.html",
        work=await read(request, work.load, zone),
        zone=zone,
        lasting=lasting,
    )


def lasting(time: timedelta) -> str:
    """Say how long, in the two greatest units that matter."""
    seconds = round(time.total_seconds())
    for unit, below, size in (
        ("day", "hour", 86_400),
        ("hour", "minute", 3_600),
        ("minute", "second", 60),
    ):
        if seconds >= size:
            many, rest = divmod(seconds, size)
            parts = rest // {"hour": 3_600, "minute": 60, "second": 1}[below]
            # Beyond ten of a unit the smaller one says nothing.
            small = f" {_many(parts, below)}" if parts and many < 10 else ""
            return _many(many, unit) + small
    return _many(seconds, "second")


def _many(count: int, unit: str) -> str:
    return f"{count} {unit}{'s' * (count != 1)}"
