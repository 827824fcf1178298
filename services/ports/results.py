"""Computed documents, one for each kind, scope and desk date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

JsonDocument = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StoredResult:
    """A computed document and where it came from.

    Attributes
    ----------
    kind : str
        What was computed, for example `risk.profile`.
    scope : str
        For whom: a portfolio, a model, a dataset.
    desk_date : date
        The desk's date that the numbers describe.
    lineage : mapping
        Run, data version, code commit: what is needed to compute it again.
    """

    kind: str
    scope: str
    desk_date: date
    payload: JsonDocument
    lineage: JsonDocument
    stored_at: datetime


class ResultStore(Protocol):
    """Keeps computed documents, one for each (kind, scope, desk date)."""

    def put(
        self, kind: str, scope: str, desk_date: date, payload: JsonDocument, lineage: JsonDocument
    ) -> None:
        """Store the document, replacing an earlier one of the same key."""
        ...

    def latest(self, kind: str, scope: str, *, until: date | None = None) -> StoredResult:
        """Return the document with the latest desk date, or the latest up to `until`.

        `MissingDataError` if there is none.
        """
        ...

    def history(self, kind: str, scope: str) -> Sequence[StoredResult]:
        """Return every document of the kind and scope, oldest desk date first."""
        ...

    def of_day(self, kind: str, desk_date: date) -> Sequence[StoredResult]:
        """Return the documents of the kind on one desk date, by scope."""
        ...

    def scopes(self, kind: str) -> Sequence[str]:
        """Return the scopes that have a document of this kind, sorted."""
        ...
