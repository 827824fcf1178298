"""The one MetaData, and the column types that hold the same value on SQLite and PostgreSQL."""

import importlib
import pkgutil
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from basics.errors import InvalidInputError

metadata = sa.MetaData(
    # Without fixed names a constraint cannot be dropped by a later migration.
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class ExactDecimal(sa.types.TypeDecorator[Decimal]):
    """A Decimal, digit for digit: NUMERIC on PostgreSQL, text on SQLite.

    SQLite has no decimal type, so the database must not sum, order or compare such a
    column (equality of equal scale excepted): read the rows and compute in Python.

    Raises
    ------
    InvalidInputError
        If the value bound is not a finite Decimal.
    """

    impl = sa.Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Return the column type of the dialect."""
        return dialect.type_descriptor(
            sa.Text() if dialect.name == "sqlite" else sa.Numeric(asdecimal=True)
        )

    def process_bind_param(self, value: Decimal | None, dialect: sa.Dialect) -> Any:  # noqa: ANN401 - str or Decimal by dialect
        """Return the value in the form that the driver stores exactly."""
        if value is None:
            return None
        if not isinstance(value, Decimal) or not value.is_finite():
            raise InvalidInputError(f"a booked number must be a finite Decimal, got {value!r}")
        return format(value, "f") if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Decimal | None:  # noqa: ANN401 - str or Decimal by dialect
        """Return the Decimal that was stored."""
        del dialect
        return None if value is None else Decimal(value)


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware moment, kept and returned in UTC, to the microsecond.

    Raises
    ------
    InvalidInputError
        If the value bound carries no time zone.
    """

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Return the column type of the dialect; SQLite's text sorts in time order."""
        return dialect.type_descriptor(sa.DateTime(timezone=dialect.name != "sqlite"))

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Return the moment in UTC, without its zone where the database has none."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise InvalidInputError(f"a stored moment must be timezone-aware, got {value}")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Return the moment in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


def complete_metadata() -> sa.MetaData:
    """Import every module of tables and return the metadata that then holds them all."""
    package = __name__.rpartition(".")[0]
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        importlib.import_module(f"{package}.{module.name}")
    return metadata
