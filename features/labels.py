"""What a model learns to foretell, each with the interval of sessions that it rests on.

A label at session t is decided with what was known at the close of t and rests on the closes
from `start` to `end`, both after t: a training row may not touch a test interval (purging,
`models.splits`).
"""

from dataclasses import dataclass

import numpy as np

from basics.arrays import FloatArray, IntArray
from basics.errors import InvalidInputError
from features.evaluation import evaluate, plan
from features.expressions import field
from features.operators import log, returns, std
from market.panel import Panel

UNKNOWN = -1
SESSIONS_PER_YEAR = 252


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
    lookback : int or None
        Sessions before t that the label rests on too, such as those of the volatility that sets
        its barriers; None if it is not stated.
    """

    name: str
    values: FloatArray
    start: IntArray
    end: IntArray
    lookback: int | None = None


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
    _require_after_t(horizon=horizon, entry_lag=entry_lag)
    close = panel["close"]
    entry, exit_ = _ahead(close, entry_lag), _ahead(close, entry_lag + horizon)
    sound = (entry > 0) & (exit_ > 0) & np.isfinite(entry) & np.isfinite(exit_)
    values = np.full_like(close, np.nan)
    np.divide(exit_, entry, out=values, where=sound)
    values -= 1.0
    return _spanning(
        f"forward_return(horizon={horizon}, entry_lag={entry_lag})", values, entry_lag, horizon
    )


def forward_volatility(panel: Panel, *, horizon: int, entry_lag: int = 1) -> Labels:
    """Return the volatility of the `horizon` daily log returns that follow close(t + entry_lag).

    Standard deviation (ddof 1) times sqrt(252), as a fraction a year.

    Raises
    ------
    InvalidInputError
        If `horizon` is below 2 or `entry_lag` below 1.
    MissingDataError
        If the panel has no `close`.
    """
    _require_after_t(horizon=horizon, entry_lag=entry_lag)
    if horizon < 2:
        raise InvalidInputError(
            f"one return has no volatility: horizon is {horizon}, give 2 or more"
        )
    close = field("close")
    daily = evaluate(plan([log(returns(close, 1) + 1.0)]), {"close": panel["close"]})[0]
    window = plan([std(field("daily"), horizon)])
    past = evaluate(window, {"daily": daily})[0] * np.sqrt(SESSIONS_PER_YEAR)
    values = _ahead(past, entry_lag + horizon)
    # A hole in the window would make it another label: only whole windows count.
    missing = np.cumsum(np.isnan(daily), axis=1)
    holes = _ahead(missing.astype(float), entry_lag + horizon) - _ahead(
        missing.astype(float), entry_lag
    )
    values[~(holes == 0)] = np.nan
    return _spanning(
        f"forward_volatility(horizon={horizon}, entry_lag={entry_lag})", values, entry_lag, horizon
    )


def triple_barrier(
    panel: Panel,
    *,
    horizon: int,
    profit: float = 2.0,
    loss: float = 2.0,
    volatility_window: int = 20,
    entry_lag: int = 1,
) -> Labels:
    """Return which barrier a long position entered at close(t + entry_lag) meets first.

    The barriers stand at `profit` and `loss` times the standard deviation of daily returns over
    the `volatility_window` sessions up to t, scaled by sqrt(`horizon`): 1 for profit, -1 for
    loss, 0 when `horizon` sessions pass. Judged on closes. The interval ends at the touch.
    Source: Lopez de Prado (2018), Advances in Financial Machine Learning, chapter 3.

    Raises
    ------
    InvalidInputError
        If a term is not positive.
    MissingDataError
        If the panel has no `close`.
    """
    terms = BarrierTerms(horizon, profit, loss, volatility_window, entry_lag)
    outcome, _, labels = _walk(panel, np.ones(panel["close"].shape), terms)
    return Labels(f"triple_barrier({terms})", outcome, *labels, lookback=volatility_window)


def meta_label(  # noqa: PLR0913 - each is a term of the bet
    panel: Panel,
    side: FloatArray,
    *,
    horizon: int,
    profit: float = 2.0,
    loss: float = 2.0,
    volatility_window: int = 20,
    entry_lag: int = 1,
) -> Labels:
    """Return 1 where the bet of a first model gains and 0 where it does not.

    A second model learns from it how far to trust the first. The barriers are those of
    `triple_barrier`, turned to the bet's side; the bet gains if it ends with a positive return.

    Parameters
    ----------
    side : ndarray of shape (n_symbols, n_sessions)
        The first model's bet at t: +1 long, -1 short; 0 or NaN for none (no label).

    Raises
    ------
    InvalidInputError
        If a term is not positive, or `side` has another shape or another value.
    """
    if side.shape != panel["close"].shape:
        raise InvalidInputError(f"side has shape {side.shape}, not {panel['close'].shape}")
    if not np.isin(side[~np.isnan(side)], (-1.0, 0.0, 1.0)).all():
        raise InvalidInputError("a side is -1, 0, 1 or NaN: take the sign of the prediction")
    terms = BarrierTerms(horizon, profit, loss, volatility_window, entry_lag)
    _, gain, labels = _walk(panel, side, terms)
    values = np.where(np.isnan(gain), np.nan, (gain > 0).astype(float))
    return Labels(f"meta_label({terms})", values, *labels, lookback=volatility_window)


@dataclass(frozen=True, slots=True)
class BarrierTerms:
    """The terms of a bet between three barriers."""

    horizon: int
    profit: float
    loss: float
    volatility_window: int
    entry_lag: int

    def __post_init__(self) -> None:
        _require_after_t(horizon=self.horizon, entry_lag=self.entry_lag)
        if not (self.profit > 0 and self.loss > 0 and self.volatility_window > 1):
            raise InvalidInputError(f"the barriers and their window must be positive: {self}")

    def __str__(self) -> str:
        return (
            f"horizon={self.horizon}, profit={self.profit:g}, loss={self.loss:g}, "
            f"volatility_window={self.volatility_window}, entry_lag={self.entry_lag}"
        )


def _walk(
    panel: Panel, side: FloatArray, terms: BarrierTerms
) -> tuple[FloatArray, FloatArray, tuple[IntArray, IntArray]]:
    """Return outcome, gain, and the interval (start, end) of each bet."""
    from measures.kernels.barriers import first_touch

    close = np.ascontiguousarray(panel["close"], np.float64)
    daily = std(returns(field("close"), 1), terms.volatility_window)
    width = evaluate(plan([daily]), {"close": close})[0] * np.sqrt(terms.horizon)
    outcome, gain = np.full_like(close, np.nan), np.full_like(close, np.nan)
    end = np.full(close.shape, UNKNOWN, np.int64)
    barriers = (float(terms.profit), float(terms.loss))
    bets = np.ascontiguousarray(side, np.float64)
    first_touch(close, width, bets, terms.entry_lag, terms.horizon, barriers, outcome, gain, end)
    position = np.broadcast_to(np.arange(close.shape[1], dtype=np.int64), close.shape)
    start = np.where(end == UNKNOWN, UNKNOWN, position + terms.entry_lag)
    return outcome, gain, (start, end)


def _spanning(name: str, values: FloatArray, entry_lag: int, horizon: int) -> Labels:
    """Return labels whose interval runs from t + entry_lag to t + entry_lag + horizon."""
    known = ~np.isnan(values)
    position = np.broadcast_to(np.arange(values.shape[1], dtype=np.int64), values.shape)
    return Labels(
        name,
        values,
        np.where(known, position + entry_lag, UNKNOWN),
        np.where(known, position + entry_lag + horizon, UNKNOWN),
        lookback=0,
    )


def _require_after_t(*, horizon: int, entry_lag: int) -> None:
    for name, value in (("horizon", horizon), ("entry_lag", entry_lag)):
        if value < 1:
            raise InvalidInputError(
                f"{name} must be at least 1 session, got {value}: a label starts after t"
            )


def _ahead(values: FloatArray, sessions: int) -> FloatArray:
    """Return the values `sessions` later, NaN past the panel's end."""
    later = np.full_like(values, np.nan)
    later[:, : max(values.shape[1] - sessions, 0)] = values[:, sessions:]
    return later
