"""A guarded child process, and what it takes to wait for it."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from basics.errors import UnavailableError
from infra.servers.guard import SIGNALLED

POLL_SECONDS = 0.01
GUARD = Path(__file__).with_name("guard.py")


class GuardedProcess:
    """A server that stops when this process closes it, or ends.

    Parameters
    ----------
    folder : Path or None
        Removed if this process ends without closing the server; else it is the caller's.
    stop_signal : str
        What asks the server to stop, for example `SIGTERM`.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        folder: Path | None = None,
        stop_signal: str = "SIGTERM",
        environment: dict[str, str] | None = None,
    ) -> None:
        self._log = log
        guard = [sys.executable, "-I", "-S", str(GUARD), str(folder or ""), stop_signal]
        with log.open("ab") as output:
            self._guard = subprocess.Popen(
                [*guard, *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                env=environment,
                cwd=log.parent,
            )

    @property
    def running(self) -> bool:
        """Whether the server is alive."""
        return self._guard.poll() is None

    @property
    def ending(self) -> str:
        """How the server ended, as `was ended by signal 9 (SIGKILL)`; empty while it runs."""
        code = self._guard.poll()
        if code is None:
            return ""
        number = -code if code < 0 else code - SIGNALLED
        if number in set(signal.Signals):
            return f"was ended by signal {number} ({signal.Signals(number).name})"
        return f"ended by itself with code {code}"

    @property
    def last_words(self) -> str:
        """The end of what the server has logged."""
        return self._log.read_text(errors="replace")[-800:] if self._log.exists() else ""

    def wait_until(self, ready: Callable[[], bool], *, seconds: float) -> None:
        """Return once `ready()`; `UnavailableError` with the end of the log if it never is."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.running or time.monotonic() > deadline:
                self.close()
                raise UnavailableError(f"a server did not start: {self.last_words}")
            time.sleep(POLL_SECONDS)

    def close(self) -> None:
        """Stop the server and wait until it is gone."""
        if self._guard.stdin is not None and not self._guard.stdin.closed:
            with suppress(BrokenPipeError):
                self._guard.stdin.write(b"keep")
                self._guard.stdin.close()
        self._guard.wait()


def free_port() -> int:
    """Return a loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Whether something on loopback accepts connections at `port`."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0
