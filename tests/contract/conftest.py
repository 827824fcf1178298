"""The databases that every repository's suite runs on."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from infra.database.engine import Database, open_database
from infra.database.schema import upgrade_database
from infra.servers.postgres import PostgresServer
from infra.settings import DatabaseSettings

NAMES = (f"contract_{n}" for n in itertools.count())


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of the current schema, on SQLite and on a real PostgreSQL."""
    url = None
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        name = next(NAMES)
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        url = SecretStr(server.url_of(name))
    database = open_database(DatabaseSettings(url=url), state_dir=tmp_path)
    upgrade_database(database)
    yield database
    database.close()
