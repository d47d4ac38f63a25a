"""Every setting, read once from the environment (FORUM_…). What admins tune daily is data."""

import difflib
import os
import re
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, SecretStr, ValidationError, ValidationInfo
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


def _public_address(address: str, known: ValidationInfo) -> str:
    return address or f"http://127.0.0.1:{known.data.get('port', '')}"


def _mail_sender(sender: str, known: ValidationInfo) -> str:
    if not sender and (known.data.get("mail_host") or known.data.get("mail_folder")):
        raise ValueError("must be the address that mails come from")
    if sender and not is_address(sender):
        raise ValueError("must be a mail address, like comments@news.example")
    return sender


def _webhook(address: str) -> str:
    if address and not re.fullmatch(r"https?://[^/\s?#@]+(/[^\s#]*)?", address):
        raise ValueError("must be an address like https://alerts.example/forum, without a password")
    return address


# One address and nothing else: no name, no comment, no second address, no line break.
_WORD = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_ADDRESS = re.compile(rf"(?=.{{1,64}}@){_WORD}(\.{_WORD})*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


def is_address(typed: str) -> bool:
    """Whether this is a mail address that every server takes."""
    return len(typed) <= 254 and _ADDRESS.fullmatch(typed) is not None


class Settings(BaseSettings):
    """The site's settings. Each is an environment variable FORUM_NAME, or a line in `.env`."""

    model_config = SettingsConfigDict(
        env_prefix="FORUM_", env_file=".env", extra="ignore", frozen=True
    )

    database: Annotated[str, AfterValidator(_database_url)] = Field(
        "sqlite:///forum.db", description="Where everything is kept: SQLite file or PostgreSQL."
    )
    site_name: str = Field("The Forum", min_length=1, description="The name at the top of pages.")
    time_zone: Annotated[str, AfterValidator(_time_zone)] = Field(
        "UTC", description="The newsroom's time zone, like Europe/Oslo; pages show its time."
    )
    host: str = Field("127.0.0.1", description="The address that the server listens on.")
    port: int = Field(8000, ge=0, le=65535, description="The port that the server listens on.")
    address: Annotated[str, AfterValidator(_public_address)] = Field(
        "",
        pattern=r"^(https?://[^/\s]+)?$",
        validate_default=True,
        description="The public address; https:// makes cookies secure. Empty: this machine.",
    )
    classifier: str = Field(
        "onnx",
        description="onnx, a name of `forum model list`, onnx:FOLDER, detoxify:NAME or FILE.",
    )
    shadow: str = Field(
        "",
        description="A second classifier, named like the first; it scores beside it and decides"
        " nothing.",
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
    comments_a_minute: int = Field(
        5, ge=1, description="The most comments, edits or reports a minute by one person."
    )
    edit_minutes: int = Field(15, ge=0, description="For how long a comment can be edited.")
    sign_in_tries: int = Field(
        10, ge=1, description="Wrong passwords in five minutes before an account must wait."
    )
    claim_minutes: int = Field(
        5, ge=1, le=240, description="For how long a case is kept for the moderator who opened it."
    )
    body_limit: int = Field(
        262_144, ge=32_768, description="The most bytes of a request's body; more is refused."
    )
    mail_host: str = Field("", description="The mail server (SMTP). Empty: no mails are sent.")
    mail_port: int = Field(587, ge=1, le=65535, description="Its port.")
    mail_tls: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How it is spoken to: starttls, tls from the beginning, or none."
    )
    mail_user: str = Field("", description="The name to sign in with there; empty: without.")
    mail_password: SecretStr = Field(SecretStr(""), description="The password to it.")
    mail_folder: str = Field(
        "", description="For trying out: mails are written into this folder and sent nowhere."
    )
    mail_sender: Annotated[str, AfterValidator(_mail_sender)] = Field(
        "", validate_default=True, description="The address that mails come from."
    )
    alarm_webhook: Annotated[str, AfterValidator(_webhook)] = Field(
        "", description="Where alarms are posted as JSON, http:// or https://. Empty: nowhere."
    )
    alarm_webhook_secret: SecretStr = Field(
        SecretStr(""), description="The key that signs what is posted there; empty: unsigned."
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
    def mails(self) -> bool:
        """Whether mails are sent, or written into a folder."""
        return bool(self.mail_host or self.mail_folder)

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
        case "literal_error":
            rule = f"must be one of {context['expected']}"
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
