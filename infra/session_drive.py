"""Drives a running desk with a past session's SIMULATED ticks, as if they came in now."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from basics.errors import InvalidInputError, UnavailableError
from infra.desk_client import DeskClient

STEP_SECONDS = 0.2
MOST_MARKS = 500  # Of one request, which must stay under the API's limit on bodies.


def drive_session(
    client: DeskClient,
    ticks: pl.DataFrame,
    *,
    seconds: float,
    tell: Callable[[int, int], None] = lambda _sent, _of: None,
) -> int:
    """Send a session's ticks over `seconds`, each at its place in the session; return how many.

    Parameters
    ----------
    ticks : DataFrame
        `symbol`, `event_time` and `price`, in order of time. The event times sent are those of
        now: to the desk the session happens today.
    tell : callable
        Told now and then how many were sent, of how many.

    Raises
    ------
    InvalidInputError
        If there are no ticks, or no time to send them in.
    UnavailableError
        If no desk answers.
    """
    if ticks.is_empty() or not seconds > 0:
        raise InvalidInputError(f"{len(ticks)} ticks cannot be sent over {seconds} s")
    times = ticks["event_time"].dt.timestamp("us")
    first, last = int(times[0]), int(times[-1])
    due = ((times - first) / max(last - first, 1) * seconds).to_list()
    rows = ticks.select("symbol", "price").rows()
    began, sent = time.monotonic(), 0
    while sent < len(rows):
        passed = time.monotonic() - began
        upto = sent
        while upto < min(len(rows), sent + MOST_MARKS) and due[upto] <= passed:
            upto += 1
        if upto > sent and _send(client, rows[sent:upto]):
            sent = upto
            tell(sent, len(rows))
        if upto - sent < MOST_MARKS:
            time.sleep(STEP_SECONDS)
    return sent


def _send(client: DeskClient, rows: list[tuple[str, float]]) -> bool:
    """Send marks of now, a microsecond apart; False if the desk has enough for the moment."""
    now = datetime.now(UTC)
    marks: list[dict[str, Any]] = [
        {
            "symbol": symbol,
            "price": price,
            "event_time": (now + timedelta(microseconds=n)).isoformat(),
        }
        for n, (symbol, price) in enumerate(rows)
    ]
    try:
        client.post("/marks", {"marks": marks})
    except UnavailableError as error:
        if "marks wait" in str(error):
            return False
        raise
    return True
