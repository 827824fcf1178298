"""What a model learns to foretell, each with the interval of sessions that it rests on.

A label at session t is decided with what was known at the close of t and rests on the closes
from `start` to `end`, both after t: a training row may not touch a test interval (purging,
`models.splits`).
"""

from dataclasses import dataclass

import numpy as np

from basics.arrays import FloatArray, IntArray
from basics.errors import InvalidInputError
from market.panel import Panel

UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels over symbols and sessions.

    Attributes
    ----------
    name : str
        What the label is, for example `forward_return(horizon=5, entry_lag=1)`.
    values : ndarray of shape (n_symbols, n_sessions)
        NaN where the label is not known (yet).
    start, end : int64 ndarray of shape (n_symbols, n_sessions)
        Positions of the first and last session that the label rests on, t < start <= end;
        -1 where the label is not known.
    """

    name: str
    values: FloatArray
    start: IntArray
    end: IntArray


def forward_return(panel: Panel, *, horizon: int, entry_lag: int = 1) -> Labels:
    """Return the simple return from entering `entry_lag` sessions after t, held for `horizon`.

    close(t + entry_lag + horizon) / close(t + entry_lag) - 1, as a fraction: decided on the
    close of t, entered at a later one. Alpha158's label is `horizon` 1.

    Raises
    ------
    InvalidInputError
        If `horizon` or `entry_lag` is below 1.
    MissingDataError
        If the panel has no `close`.
    """
    for name, value in (("horizon", horizon), ("entry_lag", entry_lag)):
        if value < 1:
            raise InvalidInputError(
                f"{name} must be at least 1 session, got {value}: a label starts after t"
            )
    close = panel["close"]
    entry, exit_ = _ahead(close, entry_lag), _ahead(close, entry_lag + horizon)
    sound = (entry > 0) & (exit_ > 0) & np.isfinite(entry) & np.isfinite(exit_)
    values = np.full_like(close, np.nan)
    np.divide(exit_, entry, out=values, where=sound)
    values -= 1.0
    position = np.broadcast_to(np.arange(close.shape[1], dtype=np.int64), close.shape)
    return Labels(
        f"forward_return(horizon={horizon}, entry_lag={entry_lag})",
        values,
        np.where(sound, position + entry_lag, UNKNOWN),
        np.where(sound, position + entry_lag + horizon, UNKNOWN),
    )


def _ahead(values: FloatArray, sessions: int) -> FloatArray:
    """Return the values `sessions` later, NaN past the panel's end."""
    later = np.full_like(values, np.nan)
    later[:, : max(values.shape[1] - sessions, 0)] = values[:, sessions:]
    return later
