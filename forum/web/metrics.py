"""What is counted about requests, and how it is written for Prometheus."""

from collections.abc import Mapping
from time import perf_counter

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger("forum.request")


class Metrics:
    """The counters of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "forum_requests", "Requests answered.", ["route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "forum_request_seconds",
            "From request to the start of the answer.",
            ["route"],
            registry=self.registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
        )
        self._gauges = {
            name: Gauge(f"forum_{name}", words, registry=self.registry)
            for name, words in (
                ("scoring_waiting", "Texts that wait for the classifier."),
                ("scoring_oldest_seconds", "Age of the oldest of them."),
                ("cases_held", "Held cases that wait for a moderator."),
                ("cases_reported", "Published comments with open reports."),
                ("live_readers", "Readers with a live connection."),
                ("scored", "Texts scored by this process since it started."),
                ("scoring_failures", "Texts this process failed to score since it started."),
                ("worker_ready", "1 when comments are being scored, else 0."),
                ("policy_fits", "1 when the policy is for the classifier that scores, else 0."),
                ("shadow_scored", "Texts scored by the shadow since this process started."),
                ("shadow_failures", "Texts that broke the shadow."),
                ("shadow_behind", "Texts of the last 1000 that the shadow has yet to score."),
            )
        }

        self.alarms = Gauge(
            "forum_alarms", "Open alarms, by kind.", ["kind"], registry=self.registry
        )

    def write(self, values: Mapping[str, float], alarms: Mapping[str, int]) -> bytes:
        """Return everything in Prometheus' text form; `values` are the gauges of this moment, and
        `alarms` the open alarms by kind."""
        for kind, many in alarms.items():
            self.alarms.labels(kind).set(many)
        for name, value in values.items():
            self._gauges[name].set(value)
        return generate_latest(self.registry)


class Watch:
    """Counts and logs every request. Neither ever holds what somebody wrote."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = perf_counter()

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = scope.get("forum.route", "none")
                took = perf_counter() - began
                self.metrics.requests.labels(route, str(message["status"])).inc()
                self.metrics.seconds.labels(route).observe(took)
                log.debug(
                    "request",
                    method=scope["method"],
                    route=route,
                    status=message["status"],
                    ms=round(took * 1000, 1),
                )
            await send(message)

        await self.app(scope, receive, counting)
