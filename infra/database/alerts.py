"""The `AlertStore` port on the database; each acknowledgement leaves a row in `audit`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from basics.errors import ConflictError, MissingDataError
from infra.database.engine import Database
from infra.database.statements import insert_new
from infra.database.tables.alerts import alerts
from infra.database.tables.results import audit
from services.ports import Alert, Severity, StoredAlert

_FIELDS = ("kind", "scope", "dedupe_key", "message", "raised_at")


@dataclass(frozen=True, slots=True)
class DatabaseAlertStore:
    """Keeps alerts in a table, one row each."""

    database: Database

    def store(self, new: Sequence[Alert], *, at: datetime) -> int:
        """Keep the alerts that are not there yet, in one transaction; return how many were new."""
        with self.database.transaction() as connection:
            return insert_new(connection, alerts, [_row(alert, at) for alert in new])

    def alerts(
        self, *, open_only: bool = False, kind: str | None = None, limit: int = 100
    ) -> Sequence[StoredAlert]:
        """Return the alerts that were stored last, newest first."""
        newest = (alerts.c.stored_at.desc(), alerts.c.raised_at.desc(), alerts.c.alert_id)
        query = sa.select(alerts).order_by(*newest).limit(limit)
        if open_only:
            query = query.where(alerts.c.acknowledged_at.is_(None))
        if kind is not None:
            column = alerts.c.kind
            begins = column.startswith(kind, autoescape=True)
            query = query.where(begins if kind.endswith(".") else column == kind)
        with self.database.reading() as connection:
            return [_stored(row) for row in connection.execute(query).mappings()]

    def alert(self, alert_id: str) -> StoredAlert:
        """Return one alert; `MissingDataError` if there is none."""
        query = sa.select(alerts).where(alerts.c.alert_id == alert_id)
        with self.database.reading() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            raise MissingDataError(f"no alert {alert_id}: see `quantdesk alerts ls`")
        return _stored(row)

    def acknowledge(self, alert_id: str, *, by: str, note: str, at: datetime) -> None:
        """Close an alert; `MissingDataError` if unknown, `ConflictError` if closed already."""
        one = alerts.c.alert_id == alert_id
        change = (
            sa.update(alerts)
            .where(one, alerts.c.acknowledged_at.is_(None))
            .values(acknowledged_at=at, acknowledged_by=by, note=note)
        )
        told = {
            "at": at,
            "actor": by,
            "action": "acknowledge",
            "subject": f"alert {alert_id}",
            "detail": {"note": note},
        }
        with self.database.transaction() as connection:
            if connection.execute(change).rowcount:
                connection.execute(sa.insert(audit), [told])
                return
        closed = self.alert(alert_id)
        raise ConflictError(
            f"alert {alert_id} was acknowledged by {closed.acknowledged_by} already"
        )


def _row(alert: Alert, at: datetime) -> dict[str, Any]:
    row = {name: getattr(alert, name) for name in _FIELDS}
    return row | {
        "alert_id": alert.alert_id,
        "severity": alert.severity.value,
        "figures": dict(alert.figures),
        "stored_at": at,
    }


def _stored(row: sa.RowMapping) -> StoredAlert:
    alert = Alert(
        severity=Severity(row["severity"]),
        figures=row["figures"],
        **{name: row[name] for name in _FIELDS},
    )
    return StoredAlert(
        alert_id=row["alert_id"],
        alert=alert,
        stored_at=row["stored_at"],
        acknowledged_at=row["acknowledged_at"],
        acknowledged_by=row["acknowledged_by"],
        note=row["note"],
    )
