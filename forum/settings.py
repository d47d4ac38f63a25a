"""Every setting, read once from the environment (FORUM_…). What admins tune daily is data."""

import difflib
import os
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class BadSettings(Exception):
    """One or more settings cannot be used; a sentence for each."""


def _database_url(url: str) -> str:
    """Accept what people write for PostgreSQL, and say which driver is meant."""
    for scheme in ("postgres://", "postgresql://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    if url.startswith(("postgresql+psycopg://", "sqlite:///")) and ":memory:" not in url:
        return url
    raise ValueError(
        "must be sqlite:///FILE or postgresql://USER@HOST/DATABASE; a database in memory cannot"
        " be shared by readers and writer"
    )


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise ValueError("must name a time zone, like Europe/Oslo or UTC") from None
    return name


class Settings(BaseSettings):
    """The site's settings. Each is an environment variable FORUM_NAME, or a line in `.env`."""

    model_config = SettingsConfigDict(
        env_prefix="FORUM_", env_file=".env", extra="ignore", frozen=True
    )

    database: Annotated[str, AfterValidator(_database_url)] = Field(
        "sqlite:///forum.db", description="Where everything is kept: SQLite file or PostgreSQL."
    )
    site_name: str = Field("The Forum", min_length=1, description="The name at the top of pages.")
    address: str = Field(
        "http://127.0.0.1:8000",
        pattern=r"^https?://[^/\s]+$",
        description="The site's public address; https:// makes cookies secure.",
    )
    time_zone: Annotated[str, AfterValidator(_time_zone)] = Field(
        "UTC", description="The newsroom's time zone, like Europe/Oslo; pages show its time."
    )
    host: str = Field("127.0.0.1", description="The address that the server listens on.")
    port: int = Field(8000, ge=0, le=65535, description="The port that the server listens on.")
    classifier: str = Field(
        "onnx", description="onnx, onnx:FOLDER, detoxify:NAME or detoxify:FILE."
    )
    worker: bool = Field(True, description="Run the scoring worker inside `forum serve`.")
    score_at_once: int = Field(16, ge=1, le=512, description="Texts scored in one batch.")
    lease_seconds: int = Field(
        60, ge=1, le=3600, description="After how long a dead worker's texts are taken over."
    )
    guests: bool = Field(False, description="Let people comment under a name, without signing up.")
    comment_length: int = Field(
        5000, ge=1, le=20_000, description="The most characters a comment may have."
    )
    comments_a_minute: int = Field(5, ge=1, description="The most comments a minute by one person.")
    edit_minutes: int = Field(15, ge=0, description="For how long a comment can be edited.")
    sign_in_tries: int = Field(
        10, ge=1, description="Wrong passwords in five minutes before an account must wait."
    )
    body_limit: int = Field(
        262_144, ge=32_768, description="The most bytes of a request's body; more is refused."
    )
    metrics_token: str = Field(
        "", description="Who may read /metrics from elsewhere: Authorization: Bearer TOKEN."
    )
    log_json: bool = Field(False, description="Write logs as JSON, one line each.")

    @property
    def zone(self) -> ZoneInfo:
        """The time zone that pages show."""
        return ZoneInfo(self.time_zone)

    @property
    def secure(self) -> bool:
        """Whether the site is reached by HTTPS."""
        return self.address.startswith("https://")


def read_settings(**given: object) -> Settings:
    """Read the environment; `given` wins over it. Raises BadSettings with a sentence a setting."""
    unknown = sorted(
        name
        for name in os.environ
        if name.startswith("FORUM_")
        and not name.startswith("FORUM_TEST_")
        and name.removeprefix("FORUM_").lower() not in Settings.model_fields
    )
    if unknown:
        raise BadSettings("\n".join(map(_misspelled, unknown)))
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as problems:
        raise BadSettings("\n".join(_in_words(p) for p in problems.errors())) from None


def _misspelled(name: str) -> str:
    known = [f"FORUM_{field.upper()}" for field in Settings.model_fields]
    near = difflib.get_close_matches(name, known, n=1)
    return f"{name} is no setting." + (f" Do you mean {near[0]}?" if near else "")


def _in_words(problem: object) -> str:
    assert isinstance(problem, dict)  # noqa: S101
    name = str(problem["loc"][0])
    given = problem["input"]
    context = problem.get("ctx", {})
    match problem["type"]:
        case "int_parsing" | "int_type" | "int_from_float":
            rule = "must be a whole number"
        case "bool_parsing" | "bool_type":
            rule = "must be yes or no"
        case "greater_than_equal":
            rule = f"must be at least {context['ge']}"
        case "less_than_equal":
            rule = f"must be at most {context['le']}"
        case "value_error":
            rule = str(context["error"])
        case "string_pattern_mismatch":
            rule = "must be an address like https://comments.example, with no path"
        case "string_too_short":
            rule = "must not be empty"
        case _:
            rule = str(problem["msg"])
    return f"FORUM_{name.upper()}: {rule}; it is '{given}'."
