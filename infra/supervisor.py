"""Run the companions together: started in order, watched, and stopped in reverse.

Each is a guarded child process, so that none outlives this one, however it ends.
"""

import atexit
import os
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from basics.errors import UnavailableError
from infra.companions import Companion, free_port, prefect_for_one_batch
from infra.isolation import isolated_environment
from infra.servers.process import GuardedProcess
from infra.settings import Settings

START_SECONDS = 120
WATCH_SECONDS = 0.5
QUOTED_LINES = 3


def own_command(
    settings: Settings,
    name: str,
    arguments: Sequence[str],
    *,
    url: str = "",
    health_url: str = "",
    variables: Mapping[str, str] | None = None,
) -> Companion:
    """Return how to start one of quantdesk's own commands as a companion."""
    environment = (
        dict(os.environ) | isolated_environment(settings.state_dir) | dict(variables or {})
    )
    environment["QUANTDESK_STATE_DIR"] = str(settings.state_dir)
    command = (sys.executable, "-m", "quantdesk", *arguments)
    return Companion(name, command, environment, url, health_url)


def supervise(
    companions: Sequence[Companion],
    *,
    folder: Path,
    tell: Callable[[str], None],
    stop: threading.Event | None = None,
) -> None:
    """Start each companion once the one before answers; run until one ends or we are stopped.

    Parameters
    ----------
    folder : Path
        Where each companion's output is kept.
    tell : callable
        Told in one line of each that has come up.
    stop : Event, optional
        Ends the run when set; SIGINT and SIGTERM set it.

    Raises
    ------
    UnavailableError
        If a companion does not come up, or ends by itself.
    """
    stop = stop or threading.Event()
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack, _signals(stop):
        running = []
        for companion in companions:
            began = time.monotonic()
            log = folder / f"{companion.name.lower()}.log"
            process = GuardedProcess(
                companion.command, log=log, environment=dict(companion.environment)
            )
            stack.callback(process.close)
            running.append((companion, process))
            _await(companion, process, stop)
            if stop.is_set():
                return
            took = time.monotonic() - began
            tell(f"  {companion.name:<10} {took:5.1f} s  {companion.url or f'log in {log}'}")
        tell("all up; stop with Ctrl-C")
        while not stop.wait(WATCH_SECONDS):
            for companion, process in running:
                if not process.running:
                    raise UnavailableError(_ended(companion, process, folder))


def start_prefect_server(settings: Settings) -> Callable[..., None]:
    """Start a Prefect server for this process, unless PREFECT_API_URL names one already.

    Call before prefect is imported. Returns a function that waits until the server answers (or
    raises `UnavailableError`), so that imports go on while it starts; it takes small pieces of
    work to do meanwhile, as an iterable, and leaves those that are not done when it answers. The
    server stops when this process ends, however that comes: after prefect has sent it the last
    lines of its log, since exit functions run in reverse order of their registration.

    The terminal is left to the batch's own progress: prefect prints its warnings alone there,
    its page has every line.
    """
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "WARNING")
    if os.environ.get("PREFECT_API_URL"):
        return _nothing_to_wait_for
    companion = prefect_for_one_batch(settings, free_port())
    folder = settings.state_dir / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    process = GuardedProcess(
        companion.command, log=folder / "prefect.log", environment=dict(companion.environment)
    )
    atexit.register(process.close)
    os.environ["PREFECT_API_URL"] = companion.url
    return partial(_await, companion, process, threading.Event())


def _nothing_to_wait_for(meanwhile: Iterable[object] = ()) -> None:
    """Stand in for the wait where the server is another's."""
    del meanwhile


def _await(
    companion: Companion,
    process: GuardedProcess,
    stop: threading.Event,
    meanwhile: Iterable[object] = (),
) -> None:
    """Return once the companion answers, or `stop` is set; do pieces of work `meanwhile`."""
    deadline = time.monotonic() + START_SECONDS
    pieces = iter(meanwhile)
    while companion.health_url and not _healthy(companion.health_url):
        if next(pieces, None) is None and stop.wait(WATCH_SECONDS / 5):
            return
        if not process.running or time.monotonic() > deadline:
            why = process.ending or f"no answer within {START_SECONDS} s"
            raise UnavailableError(
                f"{companion.name} did not come up, {why}; {_last_lines(process.last_words)}"
            )


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _ended(companion: Companion, process: GuardedProcess, folder: Path) -> str:
    told = _last_lines(process.last_words)
    return f"{companion.name} {process.ending}: see {folder}; {told}"


def _last_lines(text: str) -> str:
    """Quote the end of a log as what it is: not always the cause."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()][-QUOTED_LINES:]
    return f"last lines of its log: {' | '.join(lines)}" if lines else "its log is empty"


@contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    """Let SIGINT and SIGTERM set `stop`, where this thread may say so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(kind, lambda *_: stop.set()) for kind in kinds]
    try:
        yield
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)
