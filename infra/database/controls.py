"""The `ControlStore` port on the database; each change leaves a row in `audit`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from infra.database.engine import Database
from infra.database.results import to_json_values
from infra.database.statements import upsert
from infra.database.tables.orders import control_overrides, trading_states
from infra.database.tables.results import audit
from oms.controls import Override, TradingState, TradingSwitch


@dataclass(frozen=True, slots=True)
class DatabaseControlStore:
    """Keeps switches in `trading_states`, overrides in `control_overrides`."""

    database: Database

    def switches(self) -> Sequence[TradingSwitch]:
        """Return the switch of every scope that ever had one, by scope."""
        query = sa.select(trading_states).order_by(trading_states.c.scope)
        with self.database.reading() as connection:
            return [
                TradingSwitch(**{**row, "state": TradingState(row["state"])})
                for row in connection.execute(query).mappings()
            ]

    def switch(self, switch: TradingSwitch) -> None:
        """Set the switch of its scope."""
        row = asdict(switch) | {"state": switch.state.value}
        with self.database.transaction() as connection:
            upsert(connection, trading_states, [row])
            _tell(connection, "orders.switch", switch.scope, row, by="changed")

    def overrides(self) -> Sequence[Override]:
        """Return every override ever granted, oldest first; expired ones too."""
        query = sa.select(control_overrides).order_by(
            control_overrides.c.granted_at, control_overrides.c.override_id
        )
        with self.database.reading() as connection:
            return [Override(**row) for row in connection.execute(query).mappings()]

    def grant(self, override: Override) -> None:
        """Keep an override; `ConflictError` if its id is taken."""
        row = asdict(override)
        with self.database.transaction() as connection:
            connection.execute(control_overrides.insert(), row)
            _tell(connection, "orders.override", override.scope, row, by="granted")


def _tell(
    connection: sa.Connection, action: str, subject: str, row: Mapping[str, Any], *, by: str
) -> None:
    connection.execute(
        audit.insert(),
        {
            "at": row[f"{by}_at"],
            "actor": row[f"{by}_by"],
            "action": action,
            "subject": subject,
            "detail": to_json_values(row),
        },
    )
