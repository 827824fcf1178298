"""Where time comes from: only from the clock that was handed in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the present moment in UTC."""

    def now(self) -> datetime:
        """Return the present moment, timezone-aware, in UTC."""
        ...


@dataclass(slots=True)
class ManualClock:
    """A clock that stands until it is set: for replay, backtest and tests."""

    moment: datetime

    def now(self) -> datetime:
        """Return the moment last set."""
        return self.moment
