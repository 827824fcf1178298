"""How far a batch has come, told to whoever listens.

The terminal listens while a user waits; a scheduled run has no listener and the Prefect UI
shows its state.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of a batch has begun or ended.

    Attributes
    ----------
    summary : str
        What the step found, in one line; empty while it runs.
    """

    step: str
    state: Literal["running", "done", "failed"]
    summary: str = ""


Listener = Callable[[Progress], None]
_listener: ContextVar[Listener | None] = ContextVar("progress_listener", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Send every `Progress` of this context to `listener`."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


@contextmanager
def step(name: str) -> Iterator[Callable[[str], None]]:
    """Tell that step `name` runs, then that it is done, or failed.

    Yields a function that takes the step's summary.
    """
    tell = _listener.get() or _nobody
    summary = ""

    def summarise(text: str) -> None:
        nonlocal summary
        summary = text

    tell(Progress(name, "running"))
    try:
        yield summarise
    except BaseException as error:
        tell(Progress(name, "failed", str(error)))
        raise
    tell(Progress(name, "done", summary))


def _nobody(_: Progress) -> None:
    """Stand in for a listener where nobody waits."""
