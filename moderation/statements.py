"""Statements that are run at every request, put together once."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import DateTime, Insert, Select, TypeDecorator
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

# Where a session may carry SQLite's own connection: in its `info`, under this name.
DRIVER = "driver"

_dialect = sqlite.dialect(paramstyle="named")
_Convert = Callable[[Any], Any]


class Prepared:
    """A select or insert that is run again and again; calling it gives its rows.

    It runs below the session: it does not see what is not flushed, and gives no objects. Where the
    session carries SQLite's own connection it runs on that, in a quarter of the time. An insert
    names every column that it is to fill: defaults of the model are not looked at.
    """

    def __init__(self, statement: Select[*tuple[Any, ...]] | Insert) -> None:
        self._statement = statement
        self._compiled: _Compiled | None = None

    def __call__(self, session: Session, **given: Any) -> Sequence[Sequence[Any]]:
        """Run it with these parameters. Raises what SQLAlchemy would."""
        driver: sqlite3.Connection | None = session.info.get(DRIVER)
        if driver is None:
            result = session.connection().execute(self._statement, given)
            return result.all() if result.returns_rows else ()
        compiled = self._compiled
        if compiled is None:
            compiled = self._compiled = _compile(self._statement, list(given))
        values = compiled.fixed | given
        for name, convert in compiled.into:
            values[name] = convert(values[name])
        try:
            rows: list[Any] = driver.execute(compiled.sql, values).fetchall()
        except sqlite3.Error as problem:
            raise DBAPIError.instance(
                compiled.sql, None, problem, sqlite3.Error, hide_parameters=True, dialect=_dialect
            ) from problem
        if not compiled.out:
            return rows
        return [_converted(row, compiled.out) for row in rows]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """What the driver is given, and how values change on their way in and out."""

    sql: str
    fixed: dict[str, Any]
    into: list[tuple[str, _Convert]]
    out: list[tuple[int, _Convert]]


def _compile(statement: Select[*tuple[Any, ...]] | Insert, names: list[str]) -> _Compiled:
    compiled = statement.compile(dialect=_dialect, column_keys=names)
    into = {name: _into(bind.type) for name, bind in compiled.binds.items()}
    out = {
        place: column.type.dialect_impl(_dialect).result_processor(_dialect, None)
        for place, column in enumerate(statement.exported_columns)
    }
    return _Compiled(
        sql=str(compiled),
        fixed={name: value for name, value in compiled.params.items() if name not in names},
        into=[(name, convert) for name, convert in into.items() if convert is not None],
        out=[(place, convert) for place, convert in out.items() if convert is not None],
    )


def _into(kind: TypeEngine[Any]) -> _Convert | None:
    convert: _Convert | None = kind.dialect_impl(_dialect).bind_processor(_dialect)
    # What is written together is written at one moment, which takes longer to convert than to keep.
    inner = kind.impl if isinstance(kind, TypeDecorator) else kind
    return lru_cache(16)(convert) if convert and isinstance(inner, DateTime) else convert


def _converted(row: Sequence[Any], out: list[tuple[int, _Convert]]) -> Sequence[Any]:
    values = list(row)
    for place, convert in out:
        values[place] = convert(values[place])
    return values
