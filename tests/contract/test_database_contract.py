"""The contract of the database, held by SQLite and by PostgreSQL."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pydantic import SecretStr

from basics.clock import ManualClock
from basics.errors import ConflictError, InvalidInputError, MissingDataError, UnavailableError
from infra.database.engine import Database, open_database
from infra.database.results import DatabaseResultStore
from infra.database.schema import (
    current_revision,
    downgrade_database,
    ensure_schema,
    revisions,
    upgrade_database,
)
from infra.database.statements import insert_new, upsert
from infra.database.tables.base import ExactDecimal, UtcDateTime, complete_metadata
from infra.database.tables.results import audit
from infra.servers.postgres import PostgresServer
from infra.setting_groups import DatabaseSettings

NOON = datetime(2022, 12, 28, 12, tzinfo=UTC)
THINGS = sa.Table(
    "things",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("amount", ExactDecimal),
    sa.Column("at", UtcDateTime),
    sa.Column("document", sa.JSON),
)


@pytest.fixture(params=["sqlite", "postgresql"])
def connect(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Database]]:
    """Return a function that opens one more connection pool to one fresh database."""
    opened: list[Database] = []
    settings = DatabaseSettings()
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        settings = DatabaseSettings(url=SecretStr(_fresh_database(server)))

    def open_one() -> Database:
        opened.append(open_database(settings, state_dir=tmp_path))
        return opened[-1]

    yield open_one
    for database in opened:
        database.close()


@pytest.fixture
def database(connect: Callable[[], Database]) -> Database:
    database = connect()
    upgrade_database(database)
    with database.transaction() as connection:
        THINGS.create(connection)
    return database


def test_migrations_give_the_schema_of_the_tables(connect: Callable[[], Database]) -> None:
    database = connect()
    assert upgrade_database(database) == revisions()[-1]

    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, complete_metadata()) == []


def test_each_migration_goes_up_and_down_with_the_data_of_the_earlier_ones(
    connect: Callable[[], Database],
) -> None:
    database = connect()
    upgrade_database(database, revision="0001")
    entry = {"at": NOON, "actor": "a", "action": "b", "subject": "s", "detail": {"x": [1]}}
    DatabaseResultStore(database, ManualClock(NOON)).put("k", "s", date(2022, 1, 3), {"a": 1}, {})
    with database.transaction() as connection:
        connection.execute(audit.insert(), entry)

    for revision in (*revisions()[1:], *reversed(revisions()[:-1])):
        step = upgrade_database if revision > current_revision(database) else downgrade_database
        assert step(database, revision=revision) == revision
        store = DatabaseResultStore(database, ManualClock(NOON))
        assert store.latest("k", "s").payload == {"a": 1}
        with database.reading() as connection:
            assert connection.execute(sa.select(audit.c.detail)).scalar() == {"x": [1]}

    assert downgrade_database(database, revision="base") == "base"
    with database.reading() as connection:
        assert sa.inspect(connection).get_table_names() == ["alembic_version"]


def test_processes_that_migrate_at_once_wait_for_each_other(
    connect: Callable[[], Database],
) -> None:
    reached: list[str] = []
    failed: list[BaseException] = []

    def migrate() -> None:
        try:
            reached.append(upgrade_database(connect()))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=migrate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert reached == [revisions()[-1]] * 4


def test_an_unmigrated_schema_is_migrated_or_asks_for_it(
    connect: Callable[[], Database],
) -> None:
    database = connect()

    if database.dialect == "sqlite":
        ensure_schema(database)
        assert current_revision(database) == revisions()[-1]
    else:
        with pytest.raises(UnavailableError, match=r"at base.*run `quantdesk db upgrade`"):
            ensure_schema(database)


def test_a_newer_schema_is_refused(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    for step in (ensure_schema, upgrade_database):
        with pytest.raises(UnavailableError, match="at 9999, newer than this program knows"):
            step(database)


def test_values_return_as_they_were(database: Database) -> None:
    tokyo = datetime(2022, 1, 3, 9, 0, 0, 123456, tzinfo=timezone(timedelta(hours=9)))
    amounts = [
        Decimal("-12345678901234567890.123456789012345678"),
        Decimal("1.10"),
        Decimal("0"),
        Decimal("1E+3"),
    ]
    document = {"b": [1, 2.5, None, True, "é"], "a": {"z": 1, "y": 2}}
    rows = [
        {"id": n, "amount": amount, "at": tokyo, "document": document}
        for n, amount in enumerate(amounts)
    ]
    with database.transaction() as connection:
        connection.execute(THINGS.insert(), rows)

    with database.reading() as connection:
        found = connection.execute(sa.select(THINGS).order_by(THINGS.c.id)).all()

    assert [str(row.amount) for row in found] == [format(amount, "f") for amount in amounts]
    assert {row.at for row in found} == {tokyo}
    assert found[0].at.tzinfo is UTC
    # The order of keys stays, so that a report made from it has the same bytes.
    assert [list(row.document) for row in found] == [["b", "a"]] * 4
    assert found[0].document == document


def test_floats_for_money_are_refused(database: Database) -> None:
    with (
        pytest.raises(InvalidInputError, match=r"finite Decimal, got 1\.5"),
        database.transaction() as connection,
    ):
        connection.execute(THINGS.insert(), {"id": 1, "amount": 1.5})


def test_a_transaction_is_whole_or_nothing(database: Database) -> None:
    def half_done() -> None:
        with database.transaction() as outer:
            outer.execute(THINGS.insert(), {"id": 1})
            with database.transaction() as inner:
                inner.execute(THINGS.insert(), {"id": 2})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_done()

    assert _count(database) == 0


def test_a_transaction_is_seen_by_others_only_when_committed(
    connect: Callable[[], Database], database: Database
) -> None:
    other = connect()
    with database.transaction() as connection:
        connection.execute(THINGS.insert(), {"id": 1})
        assert _count(database) == 1
        assert _count(other) == 0

    assert _count(other) == 1


def test_a_key_seen_twice_is_passed_over_replaced_or_a_conflict(database: Database) -> None:
    with database.transaction() as connection:
        rows = [{"id": n, "amount": Decimal(n)} for n in (1, 2, 3)]
        assert insert_new(connection, THINGS, rows[:1]) == 1
        assert insert_new(connection, THINGS, rows) == 2
        assert insert_new(connection, THINGS, rows) == 0
        upsert(connection, THINGS, [{"id": 2, "amount": Decimal(5)}])
        found = connection.execute(sa.select(THINGS.c.id, THINGS.c.amount).order_by("id")).all()

    assert found == [(1, Decimal(1)), (2, Decimal(5)), (3, Decimal(3))]
    with (
        pytest.raises(ConflictError, match="refused a row"),
        database.transaction() as connection,
    ):
        connection.execute(THINGS.insert(), {"id": 1})


def test_writers_of_several_threads_wait_for_each_other(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(THINGS.insert(), {"id": 1, "amount": Decimal(0)})

    def add() -> None:
        for _ in range(20):
            with database.transaction() as connection:
                query = sa.select(THINGS.c.amount).with_for_update()
                amount = connection.execute(query).scalar_one()
                connection.execute(THINGS.update().values(amount=amount + 1))

    threads = [threading.Thread(target=add) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with database.reading() as connection:
        assert connection.execute(sa.select(THINGS.c.amount)).scalar() == 60


def test_a_server_that_is_gone_is_unavailable_in_one_line(tmp_path: Path) -> None:
    url = SecretStr("postgresql://desk:sesame@127.0.0.1:1/desk")
    database = open_database(DatabaseSettings(url=url), state_dir=tmp_path)

    with pytest.raises(UnavailableError, match="is it running") as caught:
        database.ping()

    assert "sesame" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wrong_database_name_is_unavailable_in_one_line(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url = SecretStr(postgres.url_of("nowhere"))
    database = open_database(DatabaseSettings(url=url), state_dir=tmp_path)

    with pytest.raises(UnavailableError, match=r'"nowhere" does not exist; .* URL right'):
        database.ping()


def test_a_replica_answers_reads_that_may_be_stale(
    postgres: PostgresServer, replica: PostgresServer, tmp_path: Path
) -> None:
    url = _fresh_database(postgres)
    name = url.rpartition("/")[2]
    settings = DatabaseSettings(url=SecretStr(url), replica_url=SecretStr(replica.url_of(name)))
    database = open_database(settings, state_dir=tmp_path)
    upgrade_database(database)
    with database.transaction() as connection:
        THINGS.create(connection)
        connection.execute(THINGS.insert(), {"id": 1})
    _wait_for_replay(postgres, replica)

    in_recovery = sa.select(sa.func.pg_is_in_recovery())
    with database.reading(stale_ok=True) as connection:
        assert connection.execute(in_recovery).scalar() is True
        assert connection.execute(sa.select(THINGS.c.id)).scalar() == 1
    with database.reading() as connection:
        assert connection.execute(in_recovery).scalar() is False
    database.close()


def test_one_machine_at_a_time_holds_a_lock_by_name(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = DatabaseSettings(url=SecretStr(postgres.url_of("postgres")))
    one, other = (open_database(settings, state_dir=tmp_path) for _ in range(2))
    order: list[str] = []

    def move() -> None:
        with other.lock("aliases of price"):
            order.append("other")

    with one.lock("aliases of price"), other.lock("aliases of risk"):
        waiting = threading.Thread(target=move)
        waiting.start()
        waiting.join(0.2)
        order.append("one")
    waiting.join()
    monkeypatch.setattr("infra.database.engine.LOCK_SECONDS", 1)
    with one.lock("aliases of price"), pytest.raises(UnavailableError, match="lock timeout"):
        move()
    one.close()
    other.close()

    assert order == ["one", "other"]


def test_a_replica_that_is_gone_is_passed_over(postgres: PostgresServer, tmp_path: Path) -> None:
    gone = SecretStr("postgresql://postgres@127.0.0.1:1/postgres")
    settings = DatabaseSettings(url=SecretStr(postgres.url), replica_url=gone)
    database = open_database(settings, state_dir=tmp_path)

    with database.reading(stale_ok=True) as connection:
        assert connection.execute(sa.select(1)).scalar() == 1
    database.close()


def _count(database: Database) -> int:
    with database.reading() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(THINGS)).scalar_one())


def _fresh_database(server: PostgresServer) -> str:
    with psycopg.connect(server.url, autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM pg_database").fetchone()
        assert row is not None
        connection.execute(f"CREATE DATABASE test{row[0]}")
    return server.url_of(f"test{row[0]}")


def _wait_for_replay(primary: PostgresServer, replica: PostgresServer) -> None:
    with psycopg.connect(primary.url) as connection:
        row = connection.execute("SELECT pg_current_wal_insert_lsn()").fetchone()
    assert row is not None
    with psycopg.connect(replica.url, autocommit=True) as connection:
        query = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
        while connection.execute(query, row).fetchone() != (True,):
            time.sleep(0.01)


def test_documents_are_found_by_day_and_the_latest_up_to_one(
    connect: Callable[[], Database],
) -> None:
    database = connect()
    upgrade_database(database)
    store = DatabaseResultStore(database, ManualClock(NOON))
    for day in (3, 4, 6):
        for scope in ("b", "a"):
            store.put("k", scope, date(2022, 1, day), {"day": day}, {})

    assert [d.scope for d in store.of_day("k", date(2022, 1, 4))] == ["a", "b"]
    assert store.of_day("k", date(2022, 1, 5)) == []
    assert store.latest("k", "a", until=date(2022, 1, 5)).payload == {"day": 4}
    assert store.latest("k", "a").payload == {"day": 6}
    with pytest.raises(MissingDataError, match="on or before 2022-01-02"):
        store.latest("k", "a", until=date(2022, 1, 2))
