"""The `LimitStore` port on the database; each grant and acknowledgement leaves a row in `audit`."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from basics.errors import ConflictError, MissingDataError
from infra.database.engine import Database
from infra.database.statements import insert_new
from infra.database.tables.limits import breaches, limit_overrides, limit_versions, limits
from infra.database.tables.results import audit
from risk.limits import Limit, Override, Scope
from services.limit_register import Breach, GrantedOverride

_FIELDS = ("metric", "name", "warn", "soft", "hard", "unit", "owner")


@dataclass(frozen=True, slots=True)
class DatabaseLimitStore:
    """Keeps the limit register in tables."""

    database: Database

    def record(self, rows: Sequence[Limit], content_hash: str, at: datetime) -> int:
        """Keep the limits as the newest version, unless that content is known; return it."""
        version = limit_versions.c.version
        known = sa.select(version).where(limit_versions.c.content_hash == content_hash)
        with self.database.reading() as connection:
            found = connection.execute(known).scalar()
        if found is not None:
            return int(found)
        with self.database.transaction() as connection:
            newest = connection.execute(sa.select(sa.func.max(version))).scalar() or 0
            head = {"version": newest + 1, "content_hash": content_hash, "recorded_at": at}
            # Two processes may see the same new file at once: one of them writes it.
            if insert_new(connection, limit_versions, [head]):
                insert_new(connection, limits, [_limit_row(row, newest + 1) for row in rows])
            return int(connection.execute(known).scalar_one())

    def limits(self, version: int) -> Sequence[Limit]:
        """Return the limits of a version without overrides; `MissingDataError` if unknown."""
        query = (
            sa.select(limits)
            .where(limits.c.version == version)
            .order_by(limits.c.metric, limits.c.scope, limits.c.name)
        )
        with self.database.reading() as connection:
            rows = connection.execute(query).mappings().all()
        if not rows:
            raise MissingDataError(f"version {version} of the limits is unknown")
        return [
            Limit(scope=Scope(row["scope"]), **{name: row[name] for name in _FIELDS})
            for row in rows
        ]

    def grant(self, granted: GrantedOverride) -> None:
        """Keep an override."""
        row = {
            "override_id": granted.override_id,
            "metric": granted.metric,
            "scope": granted.scope.value,
            "name": granted.name,
            "granted_at": granted.granted_at,
            **asdict(granted.override),
        }
        with self.database.transaction() as connection:
            if not insert_new(connection, limit_overrides, [row]):
                raise ConflictError(f"override {granted.override_id} was granted already")
            subject = f"limit {granted.metric} {granted.scope.value} {granted.name}"
            _tell(connection, granted.override.granted_by, "grant", subject, granted.granted_at)

    def overrides(self) -> Sequence[GrantedOverride]:
        """Return every override, oldest first."""
        order = (limit_overrides.c.granted_at, limit_overrides.c.override_id)
        with self.database.reading() as connection:
            rows = connection.execute(sa.select(limit_overrides).order_by(*order)).mappings()
            return [_granted(row) for row in rows]

    def log(self, found: Sequence[Breach]) -> int:
        """Keep the breaches that are not there yet; return how many were new."""
        with self.database.transaction() as connection:
            return insert_new(connection, breaches, [asdict(breach) for breach in found])

    def breaches(self, *, open_only: bool) -> Sequence[Breach]:
        """Return breaches, oldest first."""
        query = sa.select(breaches).order_by(breaches.c.as_of, breaches.c.breach_id)
        if open_only:
            query = query.where(breaches.c.acknowledged_at.is_(None))
        with self.database.reading() as connection:
            return [Breach(**row) for row in connection.execute(query).mappings()]

    def acknowledge(self, breach_id: str, *, by: str, note: str, at: datetime) -> None:
        """Close a breach; `MissingDataError` if unknown, `ConflictError` if closed already."""
        one = breaches.c.breach_id == breach_id
        change = (
            sa.update(breaches)
            .where(one, breaches.c.acknowledged_at.is_(None))
            .values(acknowledged_at=at, acknowledged_by=by, note=note)
        )
        with self.database.transaction() as connection:
            if connection.execute(change).rowcount:
                _tell(connection, by, "acknowledge", f"breach {breach_id}", at)
                return
            row = connection.execute(sa.select(breaches).where(one)).mappings().first()
        if row is None:
            raise MissingDataError(f"no breach {breach_id}: see `quantdesk risk breaches`")
        raise ConflictError(
            f"breach {breach_id} was acknowledged by {row['acknowledged_by']} already"
        )


def _limit_row(limit: Limit, version: int) -> dict[str, Any]:
    row = {name: getattr(limit, name) for name in _FIELDS}
    return row | {"version": version, "scope": limit.scope.value}


def _granted(row: sa.RowMapping) -> GrantedOverride:
    return GrantedOverride(
        override_id=row["override_id"],
        metric=row["metric"],
        scope=Scope(row["scope"]),
        name=row["name"],
        override=Override(
            hard=row["hard"],
            reason=row["reason"],
            granted_by=row["granted_by"],
            expires=row["expires"],
        ),
        granted_at=row["granted_at"],
    )


def _tell(connection: sa.Connection, actor: str, action: str, subject: str, at: datetime) -> None:
    row = {"at": at, "actor": actor, "action": action, "subject": subject, "detail": {}}
    connection.execute(sa.insert(audit), [row])
