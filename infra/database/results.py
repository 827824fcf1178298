"""The `ResultStore` port on the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
import sqlalchemy as sa

from basics.clock import Clock
from basics.errors import InvalidInputError, MissingDataError
from infra.database.engine import Database
from infra.database.statements import upsert
from infra.database.tables.results import results
from services.ports import JsonDocument, StoredResult


@dataclass(frozen=True, slots=True)
class DatabaseResultStore:
    """Keeps computed documents in the table `results`.

    A NaN or infinite number in a payload is stored as null, since JSON has neither.
    """

    database: Database
    clock: Clock

    def put(
        self, kind: str, scope: str, desk_date: date, payload: JsonDocument, lineage: JsonDocument
    ) -> None:
        """Store the document, replacing an earlier one of the same key."""
        row = {
            "kind": kind,
            "scope": scope,
            "desk_date": desk_date,
            "payload": to_json_values(payload),
            "lineage": to_json_values(lineage),
            "stored_at": self.clock.now(),
        }
        with self.database.transaction() as connection:
            upsert(connection, results, [row])

    def latest(self, kind: str, scope: str, *, until: date | None = None) -> StoredResult:
        """Return the document with the latest desk date, or the latest up to `until`.

        `MissingDataError` if there is none.
        """
        query = _select(kind, scope).order_by(results.c.desk_date.desc()).limit(1)
        if until is not None:
            query = query.where(results.c.desk_date <= until)
        with self.database.reading() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            raise MissingDataError(
                f"no {kind!r} for {scope!r} is stored"
                + (f" on or before {until}" if until else "")
                + ": run the flow that computes it"
            )
        return StoredResult(**row)

    def history(self, kind: str, scope: str) -> Sequence[StoredResult]:
        """Return every document of the kind and scope, oldest desk date first."""
        query = _select(kind, scope).order_by(results.c.desk_date)
        with self.database.reading() as connection:
            return [StoredResult(**row) for row in connection.execute(query).mappings()]

    def of_day(self, kind: str, desk_date: date) -> Sequence[StoredResult]:
        """Return the documents of the kind on one desk date, by scope."""
        query = (
            sa.select(results)
            .where(results.c.kind == kind, results.c.desk_date == desk_date)
            .order_by(results.c.scope)
        )
        with self.database.reading() as connection:
            return [StoredResult(**row) for row in connection.execute(query).mappings()]

    def scopes(self, kind: str) -> Sequence[str]:
        """Return the scopes that have a document of this kind, sorted."""
        query = sa.select(results.c.scope).where(results.c.kind == kind).distinct()
        with self.database.reading() as connection:
            return sorted(connection.execute(query).scalars())


def to_json_values(document: JsonDocument) -> Any:  # noqa: ANN401 - JSON has any shape
    """Return the document in JSON's own types: dates as ISO text, Decimals as their digits."""
    return msgspec.to_builtins(document, str_keys=True, enc_hook=_plain)


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever the document holds
    """Unwrap numpy's scalars and arrays."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise InvalidInputError(f"a document cannot hold a {type(value).__name__}: {value!r}")


def _select(kind: str, scope: str) -> sa.Select[Any]:
    return sa.select(results).where(results.c.kind == kind, results.c.scope == scope)
