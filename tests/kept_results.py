"""The results of a night kept in memory; documents go through JSON, as in a database."""

from datetime import date

import msgspec

from basics.errors import MissingDataError
from services.ports import StoredResult


class KeptResults:
    """A result store in a dictionary."""

    def __init__(self) -> None:
        self.documents: dict[tuple[str, str, date], StoredResult] = {}
        self.written: list[str] = []

    def put(self, kind, scope, desk_date, payload, lineage) -> None:
        self.written.append(scope)
        document = msgspec.json.decode(msgspec.json.encode(payload))
        kept = msgspec.json.decode(msgspec.json.encode(lineage))
        stored = StoredResult(kind, scope, desk_date, document, kept, None)
        self.documents[kind, scope, desk_date] = stored

    def latest(self, kind, scope, *, until=None):
        days = [d for (k, s, d) in self.documents if (k, s) == (kind, scope) and d <= (until or d)]
        if not days:
            raise MissingDataError(f"no {kind} of {scope}")
        return self.documents[kind, scope, max(days)]

    def of_day(self, kind, desk_date):
        return sorted(
            (d for (k, _, day), d in self.documents.items() if (k, day) == (kind, desk_date)),
            key=lambda d: d.scope,
        )
