"""Open, high, low and volume SIMULATED around real closes, calibrated on real bars.

The close is observed; the rest of the bar is drawn from a process whose parameters come from
stocks whose whole bars are real. Nothing drawn here is evidence of anything: the lake marks every
such field as simulated. A bar depends on closes up to its own session alone, and more sessions
leave the earlier ones as they were, so that the simulation can be extended day by day.

The process, with s the volatility forecast before the session and z the standardised return:
the overnight gap is a share of z plus a residual, with more of the large moves overnight; high
and low are the extremes of a Brownian bridge from open to close (P(max > x) = exp(-2 x (x - i) /
w^2)) whose variance w^2 depends on |z| and the gap; log volume is autoregressive, driven by
range and |z|.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError

DECAY = 0.94  # RiskMetrics' daily decay of the volatility forecast.
LARGE_MOVE = 2.0  # |z| beyond which more of the move comes overnight.
FLOOR = 0.01  # Share of the starting variance below which no forecast falls: stale prices.
LARGEST_MOVE = 10.0  # |z| beyond which volume and range react no further; real bars end there.
TREND_SESSIONS = 120  # Volume is measured against its mean over these sessions.
TREND_MIN_SESSIONS = 20
WEEK = 5
# log of half the sum of two unit exponentials: mean 1 - gamma - log 2, variance pi^2/6 - 1.
LOG_SHADOW_MEAN = 1 - np.euler_gamma - np.log(2)
LOG_SHADOW_VARIANCE = np.pi**2 / 6 - 1


@dataclass(frozen=True, slots=True)
class Ohlcv:
    """Real bars of one stock, adjusted for splits and dividends; each of shape (n_sessions,)."""

    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray


@dataclass(frozen=True, slots=True)
class BarShape:
    """What real bars teach about the part of a bar that the close does not tell.

    Attributes
    ----------
    variance : float
        Daily variance with which a forecast starts.
    gap_share, gap_residuals : pair
        For ordinary and for large moves: the share of z that comes overnight, and what remains.
    bridge : ndarray of shape (3,)
        Log variance of the bridge on 1, log(|z| + 0.1) and log(|gap| + 0.1).
    bridge_noise : float
        Standard deviation of that log variance beyond the bridge's own.
    volume : ndarray of shape (5,)
        Log volume against trend on 1, its lag, its week, log(range / s) and |z|.
    volume_residuals : ndarray
        What remains.
    """

    variance: float
    gap_share: tuple[float, float]
    gap_residuals: tuple[FloatArray, FloatArray]
    bridge: FloatArray
    bridge_noise: float
    volume: FloatArray
    volume_residuals: FloatArray


@dataclass(frozen=True, slots=True)
class SimulatedBars:
    """The simulated fields, each of the shape of the closes."""

    open: FloatArray
    high: FloatArray
    low: FloatArray
    volume: FloatArray


def calibrate(bars: Sequence[Ohlcv]) -> BarShape:
    """Estimate the shape of a bar from real stocks.

    Raises
    ------
    MissingDataError
        If no stock has more sessions than the volume trend needs.
    """
    long_enough = [b for b in bars if len(b.close) > TREND_SESSIONS]
    if not long_enough:
        raise MissingDataError(f"no stock has more than {TREND_SESSIONS} sessions to calibrate on")
    variance = float(np.mean([np.var(np.diff(np.log(b.close))) for b in long_enough]))
    facts = [_facts(b, variance) for b in long_enough]
    z, gap, bridge, volume = (np.concatenate([f[k] for f in facts]) for k in range(4))
    large = np.abs(z) > LARGE_MOVE
    shares = [float(np.cov(z[m], gap[m])[0, 1] / np.var(z[m], ddof=1)) for m in (~large, large)]
    residuals = [gap[m] - k * z[m] for m, k in zip((~large, large), shares, strict=True)]

    design = np.column_stack([np.ones(len(z)), np.log(np.abs(z) + 0.1), np.log(np.abs(gap) + 0.1)])
    coefficients = np.linalg.lstsq(design, bridge, rcond=None)[0]
    noise = np.var(bridge - design @ coefficients) - LOG_SHADOW_VARIANCE
    coefficients[0] -= LOG_SHADOW_MEAN

    flow = np.linalg.lstsq(volume[:, 1:], volume[:, 0], rcond=None)[0]
    remains = volume[:, 0] - volume[:, 1:] @ flow
    # The intercept is set so that simulated log volume has mean zero against its trend.
    flow[0] = -(flow[3:] * volume[:, 4:].mean(axis=0)).sum()
    return BarShape(
        variance=variance,
        gap_share=(shares[0], shares[1]),
        gap_residuals=(residuals[0], residuals[1]),
        bridge=coefficients,
        bridge_noise=float(np.sqrt(max(noise, 0.0))),
        volume=flow,
        volume_residuals=remains,
    )


def simulate(
    close: FloatArray, shape: BarShape, rng: np.random.Generator, *, adv_shares: float
) -> SimulatedBars:
    """Draw the rest of each bar around the real `close`.

    Parameters
    ----------
    close : ndarray of shape (n_symbols, n_sessions)
        Real closes, positive and finite.
    rng : Generator
        Source of randomness; the same state gives the same bars.
    adv_shares : float
        Typical daily volume in shares around which volume is drawn.

    Raises
    ------
    InvalidInputError
        If a close is missing or not positive.
    """
    if close.ndim != 2 or not np.all(np.isfinite(close) & (close > 0)):
        raise InvalidInputError("closes must form a finite, positive symbols x sessions array")
    logs = np.log(close.T)
    previous = np.vstack([logs[:1], logs[:-1]])  # Before the first session the price stood still.
    forecast = _volatility(logs - previous, shape.variance)
    z = (logs - previous) / forecast
    # One stream for each kind of draw, time-major: more sessions leave the earlier draws alone.
    streams = rng.spawn(6)
    gap = _gaps(z, shape, streams[0])
    intraday = (logs - previous) - forecast * gap
    w2 = forecast**2 * np.exp(
        shape.bridge[0]
        + shape.bridge[1] * np.log(np.abs(z) + 0.1)
        + shape.bridge[2] * np.log(np.abs(gap) + 0.1)
        + shape.bridge_noise * streams[1].standard_normal(z.shape)
    )
    start = previous + forecast * gap
    above, below = (
        (np.sqrt(intraday**2 + 2 * w2 * stream.exponential(size=z.shape)) - np.abs(intraday)) / 2
        for stream in streams[2:4]
    )
    high, low = np.maximum(start, logs) + above, np.minimum(start, logs) - below
    drive = shape.volume[0] + shape.volume[4] * np.minimum(np.abs(z), LARGEST_MOVE)
    drive += shape.volume[3] * np.log(np.minimum((high - low) / forecast, LARGEST_MOVE))
    drive += _draw(shape.volume_residuals, streams[4], z.shape)
    flow = _autoregress(drive, shape.volume)
    return SimulatedBars(
        open=np.ascontiguousarray(np.exp(start).T),
        # exp(log(close)) may miss the close by one unit in the last place.
        high=np.ascontiguousarray(np.maximum(np.exp(high).T, np.maximum(close, np.exp(start).T))),
        low=np.ascontiguousarray(np.minimum(np.exp(low).T, np.minimum(close, np.exp(start).T))),
        volume=np.ascontiguousarray(np.maximum(np.round(adv_shares * np.exp(flow)), 1.0).T),
    )


def _facts(bars: Ohlcv, variance: float) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return z, standardised gap, log implied bridge variance, and the volume regression's rows."""
    close, opened, high, low = (np.log(v) for v in (bars.close, bars.open, bars.high, bars.low))
    returns = np.diff(close)
    forecast = _volatility(returns[:, None], variance)[:, 0]
    gap = opened[1:] - close[:-1]
    z, body = returns / forecast, np.abs(returns - gap)
    above = high[1:] - np.maximum(opened, close)[1:]
    below = np.minimum(opened, close)[1:] - low[1:]
    # Each shadow x of a bridge with body b implies the variance 2 x (x + b) / E, E exponential.
    implied = (above * (above + body) + below * (below + body) + 1e-10) / forecast**2

    log_volume = np.log(bars.volume[1:] + 1)
    flow = log_volume - _trailing_mean(log_volume, TREND_SESSIONS, TREND_MIN_SESSIONS)
    lag = np.r_[np.nan, flow[:-1]]
    span = np.log(np.maximum(high - low, 1e-6)[1:] / forecast)
    rows = np.column_stack(
        [flow, np.ones(len(flow)), lag, _trailing_mean(flow, WEEK, WEEK), span, np.abs(z)]
    )
    return z, gap / forecast, np.log(implied), rows[np.isfinite(rows).all(axis=1)]


def _volatility(returns: FloatArray, variance: float) -> FloatArray:
    """Return the exponentially weighted volatility known before each session, (n_sessions, n)."""
    forecast = np.empty_like(returns)
    known = np.full(returns.shape[1], variance)
    for t, value in enumerate(returns):
        forecast[t] = known
        known = DECAY * known + (1 - DECAY) * value**2
    return np.sqrt(np.maximum(forecast, FLOOR * variance))


def _trailing_mean(values: FloatArray, window: int, at_least: int) -> FloatArray:
    """Return the mean of up to `window` values before each one; NaN for fewer than `at_least`."""
    padded = np.r_[np.full(window, np.nan), values[:-1]]
    view = sliding_window_view(padded, window)
    count = np.isfinite(view).sum(axis=1)
    total = np.nansum(view, axis=1)
    return np.where(count >= at_least, total / np.maximum(count, 1), np.nan)


def _gaps(z: FloatArray, shape: BarShape, rng: np.random.Generator) -> FloatArray:
    """Draw the overnight part of each standardised return."""
    large = np.abs(z) > LARGE_MOVE
    uniform = rng.random(z.shape)
    draws = [pool[(uniform * len(pool)).astype(np.int64)] for pool in shape.gap_residuals]
    return np.where(large, shape.gap_share[1] * z + draws[1], shape.gap_share[0] * z + draws[0])


def _draw(pool: FloatArray, rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    return pool[(rng.random(shape) * len(pool)).astype(np.int64)]


def _autoregress(drive: FloatArray, coefficients: FloatArray) -> FloatArray:
    """Feed each session's log volume with its lag and the mean of its last week."""
    flow = np.zeros_like(drive)
    for t in range(1, len(drive)):
        week = flow[max(0, t - WEEK) : t].mean(axis=0)
        flow[t] = coefficients[1] * flow[t - 1] + coefficients[2] * week + drive[t]
    return flow
