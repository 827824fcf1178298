"""Real servers for the contract and integration tests, started once, gone at the end."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings
from pydantic import SecretStr

from infra.database.engine import Database, open_database
from infra.database.schema import upgrade_database
from infra.servers.postgres import PostgresServer, postgres_replica, postgres_server
from infra.servers.redis import RedisServer, redis_server
from infra.settings import DatabaseSettings
from tests.mlflow_server import MlflowServer
from tests.object_store import ObjectStore

DATABASES = (f"fresh{n}" for n in itertools.count())

# How long an example takes says nothing about what is right. (On a build server hypothesis
# chooses a profile of its own, which draws the same examples each time.)
if settings.get_current_profile_name() == "default":
    settings.register_profile("desk", deadline=None)
    settings.load_profile("desk")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def redis() -> Iterator[RedisServer]:
    """A real Redis, shared by the tests that use prefixes of their own."""
    with redis_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL primary."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def replica(postgres: PostgresServer) -> Iterator[PostgresServer]:
    """A streaming replica of the primary."""
    with postgres_replica(postgres) as server:
        yield server


@pytest.fixture(scope="session")
def object_store() -> Iterator[ObjectStore]:
    """A server that speaks S3's protocol; take a `bucket()` of it."""
    store = ObjectStore()
    yield store
    store.close()


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """A real MLflow server; `empty()` before use."""
    server = MlflowServer(tmp_path_factory.mktemp("mlflow-server"))
    yield server
    server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of the current schema, on SQLite and on a real PostgreSQL."""
    url = None
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        name = next(DATABASES)
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        url = SecretStr(server.url_of(name))
    database = open_database(DatabaseSettings(url=url), state_dir=tmp_path)
    upgrade_database(database)
    yield database
    database.close()
