"""The machine's clock."""

from datetime import UTC, datetime


class SystemClock:
    """Tells the machine's time in UTC."""

    def now(self) -> datetime:
        """Return the present moment, timezone-aware, in UTC."""
        return datetime.now(UTC)
