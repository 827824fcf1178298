"""Tests of the engine, the schema and the result store on SQLite; PostgreSQL has tests/contract."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from pydantic import SecretStr

from basics.clock import ManualClock
from basics.errors import ConflictError, InvalidInputError, MissingDataError, UnavailableError
from infra.database.engine import Database, open_database
from infra.database.results import DatabaseResultStore
from infra.database.schema import (
    MIGRATIONS,
    current_revision,
    downgrade_database,
    ensure_schema,
    revisions,
    upgrade_database,
)
from infra.database.statements import insert_new
from infra.database.tables.base import ExactDecimal, UtcDateTime, complete_metadata
from infra.database.tables.results import results
from infra.setting_groups import DatabaseSettings

NOON = datetime(2022, 12, 28, 12, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path):
    database = open_database(DatabaseSettings(), state_dir=tmp_path)
    ensure_schema(database)
    yield database
    database.close()


@pytest.fixture
def store(database: Database) -> DatabaseResultStore:
    return DatabaseResultStore(database, ManualClock(NOON))


def test_migrations_form_one_chain_with_one_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)

    assert revisions() == tuple(f"{n:04}" for n in range(1, len(revisions()) + 1))
    assert script.get_heads() == [revisions()[-1]]
    for later in script.walk_revisions():
        assert Path(later.path).name.startswith(later.revision)


def test_migrated_schema_equals_the_tables(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, complete_metadata()) == []


def test_schema_goes_down_to_nothing_and_up_again(database: Database) -> None:
    assert downgrade_database(database, revision="base") == "base"
    with database.reading() as connection:
        assert sa.inspect(connection).get_table_names() == ["alembic_version"]
    assert upgrade_database(database) == revisions()[-1]


def test_a_newer_schema_is_refused_in_one_line(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(UnavailableError, match=r"at 9999, newer than this program knows"):
        ensure_schema(database)


def test_an_unknown_revision_is_refused(database: Database) -> None:
    with pytest.raises(InvalidInputError, match="unknown revision '0x1'"):
        upgrade_database(database, revision="0x1")


def test_a_missing_table_points_to_the_upgrade(tmp_path: Path) -> None:
    database = open_database(DatabaseSettings(), state_dir=tmp_path)
    store = DatabaseResultStore(database, ManualClock(NOON))

    with pytest.raises(UnavailableError, match="quantdesk db upgrade"):
        store.latest("risk.profile", "core")
    database.close()


@pytest.mark.parametrize("url", ["no url", "mysql://u@h/d", "sqlite://", "sqlite:///:memory:"])
def test_a_wrong_url_is_refused_with_the_right_form(url: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"postgresql://user:password@host"):
        open_database(DatabaseSettings(url=SecretStr(url)), state_dir=tmp_path)


def test_inner_transactions_join_the_outer_one(
    database: Database, store: DatabaseResultStore
) -> None:
    def half_done() -> None:
        with database.transaction():
            store.put("k", "s", date(2022, 1, 3), {"a": 1}, {})
            assert store.latest("k", "s").payload == {"a": 1}
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_done()

    assert store.history("k", "s") == []


def test_a_document_is_replaced_and_the_latest_date_wins(store: DatabaseResultStore) -> None:
    store.put("k", "s", date(2022, 1, 4), {"a": 2}, {"run": "x"})
    store.put("k", "s", date(2022, 1, 3), {"a": 1}, {})
    store.put("k", "s", date(2022, 1, 4), {"a": 3}, {"run": "y"})

    latest = store.latest("k", "s")
    assert (latest.payload, latest.lineage, latest.stored_at) == ({"a": 3}, {"run": "y"}, NOON)
    assert [r.desk_date.day for r in store.history("k", "s")] == [3, 4]
    assert store.scopes("k") == ["s"]


def test_plain_values_of_every_kind_become_json(store: DatabaseResultStore) -> None:
    import numpy as np

    payload = {
        "money": Decimal("1.10"),
        "day": date(2022, 1, 3),
        "nan": float("nan"),
        "scalar": np.float64(0.5),
        "array": np.array([1, 2]),
        "tuple": (1, 2),
    }
    store.put("k", "s", date(2022, 1, 3), payload, {})

    assert store.latest("k", "s").payload == {
        "money": "1.10",
        "day": "2022-01-03",
        "nan": None,
        "scalar": 0.5,
        "array": [1, 2],
        "tuple": [1, 2],
    }


def test_what_json_cannot_hold_is_refused(store: DatabaseResultStore) -> None:
    with pytest.raises(InvalidInputError, match="cannot hold a object"):
        store.put("k", "s", date(2022, 1, 3), {"a": object()}, {})


def test_a_missing_document_says_so(store: DatabaseResultStore) -> None:
    with pytest.raises(MissingDataError, match=r"no 'risk.profile' for 'core'"):
        store.latest("risk.profile", "core")


@pytest.fixture
def money(database: Database) -> sa.Table:
    table = sa.Table(
        "money", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("amount", ExactDecimal), sa.Column("at", UtcDateTime),
    )  # fmt: skip
    with database.transaction() as connection:
        table.create(connection)
    return table


def test_decimals_and_moments_return_as_they_were(database: Database, money: sa.Table) -> None:
    amount = Decimal("-12345678901234567890.123456789012345678")
    tokyo = datetime(2022, 1, 3, 9, 0, 0, 123456, tzinfo=timezone(timedelta(hours=9)))

    with database.transaction() as connection:
        connection.execute(money.insert(), {"id": 1, "amount": amount, "at": tokyo})
        row = connection.execute(sa.select(money)).one()

    assert str(row.amount) == str(amount)
    assert row.at == tokyo
    assert row.at.tzinfo is UTC


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"id": 1, "amount": 1.5}, "finite Decimal, got 1.5"),
        ({"id": 1, "amount": Decimal("NaN")}, "finite Decimal"),
        ({"id": 1, "at": datetime(2022, 1, 3)}, "timezone-aware"),  # noqa: DTZ001 - what is refused
    ],
)
def test_floats_and_naive_moments_are_refused(
    database: Database, money: sa.Table, values: dict, message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message), database.transaction() as connection:
        connection.execute(money.insert(), values)


def test_a_row_that_is_there_is_passed_over_or_a_conflict(
    database: Database, money: sa.Table
) -> None:
    rows = [{"id": 1, "amount": Decimal(1)}, {"id": 2, "amount": Decimal(2)}]
    with database.transaction() as connection:
        assert insert_new(connection, money, rows[:1]) == 1
        assert insert_new(connection, money, rows) == 1

    with pytest.raises(ConflictError, match=r"money\.id"), database.transaction() as connection:
        connection.execute(money.insert(), rows[0])


def test_results_have_no_row_before_the_first(database: Database) -> None:
    assert current_revision(database) == revisions()[-1]
    with database.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(results)).scalar() == 0
