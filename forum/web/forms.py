"""Reading what people typed: forms, queries, JSON. Whatever arrives, the answer is words."""

import json
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from forum.errors import BadRequest, NotFound

_BIGGEST = 2**63 - 1
_MOST_FIELDS = 60


class Form:
    """The fields of a sent form, as text without what no database keeps."""

    def __init__(self, fields: dict[str, str]) -> None:
        self.fields = fields

    @classmethod
    async def read(cls, request: Request, *, at_most: int = _MOST_FIELDS) -> "Form":
        """Read the request's form of so many fields. Raises BadRequest when it is none."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in ("application/x-www-form-urlencoded", ""):
            raise BadRequest("Forms are sent as application/x-www-form-urlencoded.")
        sent = (await request.body()).decode("utf-8", "replace")
        try:
            fields = parse_qsl(sent, keep_blank_values=True, max_num_fields=at_most)
        except ValueError as problem:
            raise BadRequest("This form cannot be read. Please try again.") from problem
        return cls({name: cleaned(value) for name, value in fields})

    def text(self, name: str) -> str:
        """Return a field as typed; empty when it is missing."""
        return self.fields.get(name, "")

    def number(self, name: str) -> int | None:
        """Return a field as a row number, or None when it is empty. Raises BadRequest."""
        typed = self.text(name)
        if not typed:
            return None
        number = _number(typed)
        if number is None:
            raise BadRequest(f"The field {name} must be a number.")
        return number

    def required(self, name: str) -> int:
        """Return a field as a row number. Raises BadRequest when it is missing."""
        number = self.number(name)
        if number is None:
            raise BadRequest(f"The field {name} is missing. Please send the form from its page.")
        return number


def cleaned(text: str) -> str:
    """Return text without NUL and without halves of characters, which databases refuse."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def _number(typed: str) -> int | None:
    if not (typed.isascii() and typed.isdigit() and len(typed) < 20):
        return None
    number = int(typed)
    return number if number <= _BIGGEST else None


def query_number(request: Request, name: str) -> int | None:
    """Return a number of the query, None when absent. Raises NotFound when it is no number."""
    typed = request.query_params.get(name)
    if typed is None or typed == "":
        return None
    number = _number(typed)
    if number is None:
        raise NotFound(f"There is no such page: '{name}' must be a number.")
    return number


def query_text(request: Request, name: str) -> str:
    """Return a text of the query; empty when absent."""
    return cleaned(request.query_params.get(name, ""))


def path_number(request: Request, name: str) -> int:
    """Return a number of the path. Raises NotFound for one that no row can have."""
    number = _number(str(request.path_params[name]))
    if number is None:
        raise NotFound("There is nothing at this address.")
    return number


def path_text(request: Request, name: str) -> str:
    """Return a text of the path; empty when this route has none of that name."""
    return cleaned(str(request.path_params.get(name, "")))


async def read_json(request: Request) -> dict[str, Any]:
    """Return the JSON object of the body. Raises BadRequest."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise BadRequest("Please send JSON, with the content type application/json.")
    try:
        value = json.loads(await request.body())
    except (ValueError, RecursionError) as problem:
        raise BadRequest("The body is not valid JSON.") from problem
    if not isinstance(value, dict):
        raise BadRequest("The body must be a JSON object.")
    return value


def local_path(target: str) -> str:
    """Return where to go after signing in: a path of this site, or its front page."""
    if target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable():
        return target
    return "/"
