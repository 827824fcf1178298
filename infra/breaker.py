"""A breaker: after a failure the edge rests, then one call probes whether it is back.

So a dead server costs one time-out, not one a call.
"""

import time
from collections.abc import Callable

import structlog


class Breaker:
    """Decides whether a call may go out.

    Parameters
    ----------
    name : str
        Of the edge, for the log; each change of state is logged once.
    open_seconds : float
        How long no call goes out after a failure.
    """

    def __init__(
        self, name: str, *, open_seconds: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.detail = ""
        self._name = name
        self._open_seconds = open_seconds
        self._monotonic = monotonic
        self._retry_at: float | None = None

    @property
    def closed(self) -> bool:
        """Whether the last call that went out succeeded."""
        return self._retry_at is None

    def allows(self) -> bool:
        """Whether a call may go out now; while the edge rests, one probe at a time may."""
        if self._retry_at is None:
            return True
        now = self._monotonic()
        if now < self._retry_at:
            return False
        self._retry_at = now + self._open_seconds  # The others wait for the probe's outcome.
        return True

    def succeeded(self) -> None:
        """Note that the edge answered."""
        if self._retry_at is not None:
            structlog.get_logger(__name__).warning("edge recovered", edge=self._name)
        self._retry_at = None
        self.detail = ""

    def failed(self, detail: str) -> None:
        """Note that the edge did not answer, and why."""
        if self._retry_at is None:
            structlog.get_logger(__name__).warning("edge failed", edge=self._name, detail=detail)
        self._retry_at = self._monotonic() + self._open_seconds
        self.detail = detail
