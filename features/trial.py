"""Made-up bars on which a feature is tried: with late listings, holes and a flat stretch.

They prove what a feature rests on, never what it is worth.
"""

from collections.abc import Sequence

import numpy as np

from basics.arrays import FloatArray
from features.definitions import FeatureSet
from market.panel import Panel

MIN_SESSIONS = 300


def trial_panel(
    fields: Sequence[str],
    *,
    rng: np.random.Generator,
    lookback: int = 0,
    n_symbols: int = 6,
    context: Sequence[str] = (),
) -> Panel:
    """Return simulated bars with `fields` and `context`, long enough for `lookback`.

    `open`, `high`, `low`, `close`, `vwap` and `volume` make sound bars; any other field is a
    positive random walk.
    """
    n_sessions = lookback + MIN_SESSIONS
    bars = _bars(rng, (n_symbols, n_sessions))
    arrays = {
        name: bars[name] if name in bars else _walk(rng, bars["close"].shape) for name in fields
    }
    holes = rng.random((n_symbols, n_sessions)) < 0.005
    holes[1, : n_sessions // 5] = True  # Listed later.
    holes[2, -n_sessions // 5 :] = True  # Delisted.
    for values in arrays.values():
        values[holes] = np.nan
    sessions = np.busday_offset(np.datetime64("2015-01-02"), np.arange(n_sessions), roll="forward")
    around = {name: _context(name, rng, (n_symbols, n_sessions)) for name in sorted(context)}
    symbols = tuple(f"T{i}" for i in range(n_symbols))
    return Panel(symbols, sessions, arrays, frozenset(arrays), around)


def trial_of(features: FeatureSet, *, rng: np.random.Generator) -> Panel:
    """Return simulated bars on which every feature of the set can be tried."""
    return trial_panel(
        features.fields, rng=rng, lookback=features.lookback, context=features.context_fields
    )


def _context(name: str, rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    """Return another series with holes and a late beginning, or groups that change once."""
    if name.startswith("series."):
        series = _walk(rng, (1, shape[1]))
        series[0, rng.random(shape[1]) < 0.01] = np.nan
        series[0, : shape[1] // 10] = np.nan
        return series
    groups = np.repeat(rng.integers(0, 2, (shape[0], 1)).astype(np.float64), shape[1], axis=1)
    groups[0, shape[1] // 2 :] = 1.0 - groups[0, 0]
    return groups


def _bars(rng: np.random.Generator, shape: tuple[int, int]) -> dict[str, FloatArray]:
    close = _walk(rng, shape)
    close[3, 100:140] = close[3, 100]  # A suspended price, to the tick.
    open_ = close * np.exp(rng.normal(0.0, 0.01, shape))
    high = np.maximum(open_, close) * np.exp(np.abs(rng.normal(0.0, 0.01, shape)))
    low = np.minimum(open_, close) * np.exp(-np.abs(rng.normal(0.0, 0.01, shape)))
    volume = np.round(np.exp(rng.normal(12.0, 0.8, shape)))
    volume[4, ::37] = 0.0
    return {
        "open": open_,
        "high": high,
        "low": low,
        "close": close,
        "volume": volume,
        "vwap": (open_ + high + low + close) / 4.0,
    }


def _walk(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    start = rng.uniform(10.0, 200.0, (shape[0], 1))
    path: FloatArray = start * np.exp(np.cumsum(rng.normal(0.0, 0.02, shape), axis=1))
    return path
