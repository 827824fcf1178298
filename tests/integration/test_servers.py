"""Throw-away servers leave nothing behind, even when the process that started them is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from basics.errors import UnavailableError
from infra.isolation import PROJECT_ROOT
from infra.servers.postgres import PostgresServer
from infra.servers.process import GuardedProcess, listens
from infra.servers.redis import redis_server

STARTS_BOTH = """
import sys
from infra.servers.postgres import postgres_server
from infra.servers.redis import redis_server
with redis_server() as redis, postgres_server() as postgres:
    print(redis.port, redis.folder, postgres.port, postgres.data, sep="\\t", flush=True)
    sys.stdin.read()
"""


def test_a_killed_owner_takes_its_servers_and_their_data_along() -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", STARTS_BOTH],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT,
    )  # fmt: skip
    assert owner.stdout is not None
    redis_port, redis_folder, postgres_port, data = owner.stdout.readline().rstrip("\n").split("\t")
    assert listens(int(redis_port))
    assert listens(int(postgres_port))

    owner.send_signal(signal.SIGKILL)
    owner.communicate()

    deadline = time.monotonic() + 20
    while Path(redis_folder).exists() or Path(data).exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert not listens(int(redis_port))
    assert not listens(int(postgres_port))


def test_a_closed_server_is_gone_with_its_folder() -> None:
    with redis_server() as server:
        folder, port = server.folder, server.port
        assert listens(port)

    assert not listens(port)
    assert not folder.exists()


def test_a_stopped_database_starts_again_with_its_data(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS value")
    postgres.stop()
    assert not listens(postgres.port)

    postgres.start()

    with psycopg.connect(postgres.url, autocommit=True) as connection:
        assert connection.execute("SELECT value FROM kept").fetchone() == (7,)
        connection.execute("DROP TABLE kept")


def test_a_server_that_cannot_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    process = GuardedProcess(
        [sys.executable, "-c", "raise SystemExit('no luck')"],
        folder=tmp_path,
        log=tmp_path / "log",
    )
    with pytest.raises(UnavailableError, match="did not start: no luck"):
        process.wait_until(lambda: False, seconds=20)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up being root")
def test_a_database_never_runs_as_root(postgres: PostgresServer) -> None:
    pid = int((postgres.data / "postmaster.pid").read_text().splitlines()[0])
    # In its own user namespace the server is somebody; PostgreSQL would refuse otherwise.
    assert os.readlink(f"/proc/{pid}/ns/user") != os.readlink("/proc/self/ns/user") or (
        Path(f"/proc/{pid}").stat().st_uid != 0
    )
