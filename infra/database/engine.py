"""Connections to SQLite or PostgreSQL, and the transaction that every repository joins.

One idea: a use case opens `database.transaction()`, and each repository that it calls opens
its own; the inner ones join the outer, so the use case commits whole or not at all.
"""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from basics.errors import ConflictError, InvalidInputError, QuantDeskError, UnavailableError
from infra.setting_groups import DatabaseSettings

SQLITE_FILE = "quantdesk.db"
SQLITE_BUSY_SECONDS = 15  # Longer than any write transaction of the desk.
LOCK_SECONDS = 10  # How long one machine waits for what another does under the same name.
# What a schema that is behind looks like: SQLite's words, then PostgreSQL's.
SCHEMA_IS_BEHIND = re.compile(
    r"no such (table|column)|has no column named|(relation|column) .* does not exist"
)


class Database:
    """The desk's database.

    Attributes
    ----------
    engine : Engine
        Connections to the primary.
    replica : Engine or None
        Connections to a streaming replica, which may lag behind.
    """

    def __init__(self, engine: sa.Engine, replica: sa.Engine | None = None) -> None:
        self.engine = engine
        self.replica = replica
        self._local = threading.local()

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.engine.dialect.name

    @property
    def address(self) -> str:
        """The URL, its password masked."""
        return self.engine.url.render_as_string(hide_password=True)

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Yield a connection whose work is committed whole on exit, or not at all.

        Within another transaction of the same thread it joins that one, so that a use case
        wraps several repositories in one transaction.

        Raises
        ------
        ConflictError
            If a constraint of the database forbids a row.
        UnavailableError
            If the database is gone, locked for too long, or its schema is behind.
        """
        outer: sa.Connection | None = getattr(self._local, "connection", None)
        if outer is not None:
            yield outer
            return
        # IMMEDIATE takes SQLite's write lock at once: a transaction that reads first and
        # writes later would otherwise fail, without a retry, on another's commit between.
        with _translated(self.address), self.engine.connect() as connection:
            connection = connection.execution_options(sqlite_begin="IMMEDIATE")  # noqa: PLW2901 - the same connection, configured
            with connection.begin():
                self._local.connection = connection
                try:
                    yield connection
                finally:
                    self._local.connection = None

    @contextmanager
    def reading(self, *, stale_ok: bool = False) -> Iterator[sa.Connection]:
        """Yield a connection that sees one state of the database throughout.

        Within a transaction of the same thread it sees that transaction's writes. With
        `stale_ok` the replica may answer, which can lag behind the last commit; a replica
        that is gone is passed over.

        Raises
        ------
        UnavailableError
            If the database is gone or its schema is behind.
        """
        outer: sa.Connection | None = getattr(self._local, "connection", None)
        if outer is not None:
            yield outer
            return
        with _translated(self.address), self._connect(stale_ok=stale_ok) as connection:
            yield connection

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Let one machine at a time do what `name` says, where machines share the database.

        PostgreSQL's advisory lock on the name's hash, held on a connection of its own and let
        go with it, should the machine die. SQLite serves one machine: nothing to wait for.

        Raises
        ------
        UnavailableError
            If the database is gone, or another machine held the lock for `LOCK_SECONDS`.
        """
        if self.dialect != "postgresql":
            yield
            return
        with _translated(self.address), self.engine.connect() as connection, connection.begin():
            wait = sa.func.set_config("lock_timeout", f"{LOCK_SECONDS}s", sa.true())
            connection.execute(sa.select(wait))
            key = sa.func.hashtextextended(name, 0)
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))
            yield

    def ping(self) -> None:
        """Ask the primary for nothing; `UnavailableError` if it does not answer."""
        with self.reading() as connection:
            connection.execute(sa.select(1))

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()
        if self.replica is not None:
            self.replica.dispose()

    def _connect(self, *, stale_ok: bool) -> sa.Connection:
        if stale_ok and self.replica is not None:
            try:
                return self.replica.connect()
            except sa.exc.OperationalError:
                pass  # The primary answers whatever the replica can.
        return self.engine.connect()


def open_database(settings: DatabaseSettings, *, state_dir: Path) -> Database:
    """Return the database that the settings name; nothing is connected yet.

    Raises
    ------
    InvalidInputError
        If a URL is malformed or names another database than SQLite or PostgreSQL.
    """
    if settings.url is None:
        state_dir.mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{state_dir / SQLITE_FILE}"
    else:
        url = settings.url.get_secret_value()
    replica = settings.replica_url
    return Database(
        create_engine(url, settings=settings),
        create_engine(replica.get_secret_value(), settings=settings) if replica else None,
    )


def create_engine(
    url: str, *, settings: DatabaseSettings | None = None, foreign_keys: bool = True
) -> sa.Engine:
    """Return an engine for `url` with the desk's conventions.

    Parameters
    ----------
    foreign_keys : bool
        Whether SQLite enforces them; a migration that rebuilds a table must not.

    Raises
    ------
    InvalidInputError
        If the URL is malformed or names another database than SQLite or PostgreSQL.
    """
    limits = settings or DatabaseSettings()
    parsed = _parse(url)
    common: dict[str, Any] = {
        "json_serializer": lambda value: orjson.dumps(value).decode(),
        "json_deserializer": orjson.loads,
        "pool_size": limits.pool_size,
    }
    if parsed.get_backend_name() == "sqlite":
        engine = sa.create_engine(parsed, connect_args={"timeout": SQLITE_BUSY_SECONDS}, **common)
        _prepare_sqlite(engine, foreign_keys=foreign_keys)
        return engine
    return sa.create_engine(
        parsed,
        pool_pre_ping=True,  # A restarted server costs one round trip, not a failed call.
        pool_timeout=limits.connect_timeout_seconds,
        connect_args={
            "connect_timeout": limits.connect_timeout_seconds,
            "options": "-c timezone=utc",
            "application_name": "quantdesk",
        },
        **common,
    )


def _parse(url: str) -> sa.URL:
    cure = "write sqlite:////path/to/file.db or postgresql://user:password@host:port/name"
    try:
        parsed = make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        # The text may hold a password, so it is not shown.
        raise InvalidInputError(f"database.url is not a URL: {cure}") from None
    backend = parsed.get_backend_name()
    if backend == "postgres":
        backend = "postgresql"
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise InvalidInputError(f"database.url names {backend!r}, which is not supported: {cure}")
    if not parsed.database or parsed.database == ":memory:":
        raise InvalidInputError(f"database.url names no file: {cure}")
    return parsed


def _prepare_sqlite(engine: sa.Engine, *, foreign_keys: bool) -> None:
    """Take transactions into our own hands, and set what SQLite forgets per connection."""

    @sa.event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:  # noqa: ANN401 - the driver's own objects
        connection.isolation_level = None  # The driver must not begin or commit by itself.
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        # With WAL, NORMAL survives a killed process whole; a power cut may take the last
        # commits but never tears one.
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute(f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {mode}")


@contextmanager
def _translated(address: str) -> Iterator[None]:
    """Turn the library's errors into the desk's."""
    try:
        yield
    except QuantDeskError:
        raise
    except sa.exc.IntegrityError as error:
        raise ConflictError(f"the database refused a row: {_first_line(error)}") from error
    except sa.exc.DataError as error:
        raise InvalidInputError(
            f"the database cannot hold a value: {_first_line(error)}"
        ) from error
    except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
        line = _first_line(error)
        cure = "is it running, and is the URL right (`quantdesk config show`)?"
        if SCHEMA_IS_BEHIND.search(line):
            cure = "if the schema is behind, run `quantdesk db upgrade`"
        raise UnavailableError(f"database {address}: {line}; {cure}") from error
    except sa.exc.StatementError as error:
        # What a column type refused, before it reached the database.
        if isinstance(error.orig, QuantDeskError):
            raise error.orig from None
        raise InvalidInputError(f"the database cannot hold a value: {error.orig}") from error


def _first_line(error: sa.exc.SQLAlchemyError) -> str:
    cause = getattr(error, "orig", None) or error
    return str(cause).strip().partition("\n")[0]
