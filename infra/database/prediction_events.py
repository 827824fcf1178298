"""The `PredictionEvents` port on the database: an event and its answers in one transaction."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import msgspec
import sqlalchemy as sa

from infra.database.engine import Database
from infra.database.predictions import DatabasePredictionLog
from infra.database.statements import insert_new
from infra.database.tables.predictions import prediction_events
from services.ports import PredictionEvent, ServedPrediction

_KEPT = prediction_events.c


@dataclass(frozen=True, slots=True)
class DatabasePredictionEvents:
    """Keeps the events of the stream in a table."""

    database: Database

    def known(self, model: str, key: str) -> bool:
        """Return whether the event of this message is kept."""
        query = sa.select(_KEPT.sequence).where(_KEPT.model == model, _KEPT.key == key)
        with self.database.reading() as connection:
            return connection.execute(query).first() is not None

    def commit(self, event: PredictionEvent) -> bool:
        """Keep the event and log its answers in one transaction; False if it was kept before."""
        row = asdict(event) | {"answers": msgspec.to_builtins(event.answers)}
        del row["sequence"]  # The database numbers the events.
        with self.database.transaction() as connection:
            if not insert_new(connection, prediction_events, [row]):
                return False
            DatabasePredictionLog(self.database).append(event.answers)
        return True

    def events(self, model: str, *, after: int = 0, limit: int = 100) -> Sequence[PredictionEvent]:
        """Return the events after a sequence number, oldest first."""
        query = (
            sa.select(prediction_events)
            .where(_KEPT.model == model, _KEPT.sequence > after)
            .order_by(_KEPT.sequence)
            .limit(limit)
        )
        with self.database.reading() as connection:
            return [_event(row) for row in connection.execute(query).mappings()]


def _event(row: sa.RowMapping) -> PredictionEvent:
    answers = msgspec.convert(row["answers"], tuple[ServedPrediction, ...], strict=False)
    return PredictionEvent(**{**row, "answers": answers})
