"""Alpha158 in float64, the long way: each window on its own, in two passes, with numpy.

It shares no code with `features` and no idea with the kernels: no running sums, no shared
windows. qlib's rules: a symbol's series begins at its first bar, windows may be shorter there, a
comparison with nothing is false.
"""

from collections.abc import Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from basics.arrays import FloatArray
from market.panel import Panel

WINDOWS = (5, 10, 20, 30, 60)
TINY = 1e-12


def reference(panel: Panel) -> Mapping[str, FloatArray]:
    """Return every feature over the panel, each of shape (n_symbols, n_sessions)."""
    shape = (len(panel.symbols), len(panel.sessions))
    out: dict[str, FloatArray] = {}
    for i in range(shape[0]):
        there = np.flatnonzero(~np.isnan(panel["close"][i]))
        span = slice(there[0], there[-1] + 1)
        bars = {name: values[i, span] for name, values in panel.fields.items()}
        with np.errstate(all="ignore"):
            for name, series in _symbol(bars).items():
                out.setdefault(name, np.full(shape, np.nan))[i, span] = series
    return out


def _symbol(bars: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    o, h, lo, c = bars["open"], bars["high"], bars["low"], bars["close"]
    v, span = bars["volume"], bars["high"] - bars["low"] + TINY
    out = {
        "KMID": (c - o) / o, "KLEN": (h - lo) / o, "KMID2": (c - o) / span,
        "KUP": (h - np.maximum(o, c)) / o, "KUP2": (h - np.maximum(o, c)) / span,
        "KLOW": (np.minimum(o, c) - lo) / o, "KLOW2": (np.minimum(o, c) - lo) / span,
        "KSFT": (2 * c - h - lo) / o, "KSFT2": (2 * c - h - lo) / span,
        "OPEN0": o / c, "HIGH0": h / c, "LOW0": lo / c, "VWAP0": bars["vwap"] / c,
    }  # fmt: skip
    before, volume_before = _shift(c, 1), _shift(v, 1)
    series = {
        "c": c, "h": h, "l": lo, "v": v, "logv": np.log(v + 1), "ret": c / before,
        "logdv": np.log(v / volume_before + 1), "rise": (c > before) * 1.0,
        "fall": (c < before) * 1.0, "up": np.maximum(c - before, 0),
        "down": np.maximum(before - c, 0), "moved": np.abs(c - before),
        "vup": np.maximum(v - volume_before, 0), "vdown": np.maximum(volume_before - v, 0),
        "vmoved": np.abs(v - volume_before), "wv": np.abs(c / before - 1) * v,
    }  # fmt: skip
    for d in WINDOWS:
        windows = {name: _windows(values, d) for name, values in series.items()}
        columns = {**_close_columns(windows["c"], c, d), **_range_columns(windows, c, d),
                   **_volume_columns(windows, v)}  # fmt: skip
        columns["ROC"] = _shift(c, d) / c
        out |= {f"{name}{d}": values for name, values in columns.items()}
    return out


def _close_columns(w: FloatArray, c: FloatArray, d: int) -> dict[str, FloatArray]:
    there = ~np.isnan(w)
    count = there.sum(axis=1)
    mean = np.nansum(w, axis=1) / count
    position = np.where(there, np.arange(1.0, d + 1), np.nan)
    off = position - (np.nansum(position, axis=1) / count)[:, None]
    deviation = w - mean[:, None]
    variance, spread = np.nansum(deviation**2, axis=1), np.nansum(off**2, axis=1)
    slope = np.nansum(off * deviation, axis=1) / spread
    std = np.sqrt(variance / np.where(count > 1, count - 1, np.nan))
    line_now = mean + slope * off[:, -1]
    below, equal = (w < c[:, None]).sum(axis=1), (w == c[:, None]).sum(axis=1)
    fit = slope**2 * spread / variance
    return {
        "MA": mean / c, "STD": std / c, "BETA": slope / c,
        "RSQR": np.where(std <= 2e-5, np.nan, fit), "RESI": (c - line_now) / c,
        "QTLU": _quantile(w, count, 0.8) / c, "QTLD": _quantile(w, count, 0.2) / c,
        "RANK": (below + (equal + 1) / 2) / count,
    }  # fmt: skip


def _range_columns(w: Mapping[str, FloatArray], c: FloatArray, d: int) -> dict[str, FloatArray]:
    high, low = np.fmax.reduce(w["h"], axis=1), np.fmin.reduce(w["l"], axis=1)
    # The window is padded in front of the first bar; positions count from that bar.
    padding = np.isnan(w["c"]).sum(axis=1)
    high_at = np.nanargmax(w["h"], axis=1) + 1 - padding
    low_at = np.nanargmin(w["l"], axis=1) + 1 - padding
    rise, fall = np.nanmean(w["rise"], axis=1), np.nanmean(w["fall"], axis=1)
    up, down = _sum(w["up"]), _sum(w["down"])
    moved = _sum(w["moved"]) + TINY
    return {
        "MAX": high / c, "MIN": low / c, "RSV": (c - low) / (high - low + TINY),
        "IMAX": high_at / d, "IMIN": low_at / d, "IMXD": (high_at - low_at) / d,
        "CORR": _correlation(w["c"], w["logv"]), "CORD": _correlation(w["ret"], w["logdv"]),
        "CNTP": rise, "CNTN": fall, "CNTD": rise - fall,
        "SUMP": up / moved, "SUMN": down / moved, "SUMD": (up - down) / moved,
    }  # fmt: skip


def _volume_columns(w: Mapping[str, FloatArray], v: FloatArray) -> dict[str, FloatArray]:
    up, down, moved = _sum(w["vup"]), _sum(w["vdown"]), _sum(w["vmoved"]) + TINY
    return {
        "VMA": _mean(w["v"]) / (v + TINY), "VSTD": _std(w["v"]) / (v + TINY),
        "WVMA": _std(w["wv"]) / (_mean(w["wv"]) + TINY),
        "VSUMP": up / moved, "VSUMN": down / moved, "VSUMD": (up - down) / moved,
    }  # fmt: skip


def _windows(x: FloatArray, d: int) -> FloatArray:
    """Return the last `d` values at each position, NaN in front of the first."""
    return sliding_window_view(np.concatenate([np.full(d - 1, np.nan), x]), d)


def _shift(x: FloatArray, d: int) -> FloatArray:
    return np.concatenate([np.full(d, np.nan), x])[: len(x)]


def _sum(w: FloatArray) -> FloatArray:
    empty = np.isnan(w).all(axis=1)
    return np.where(empty, np.nan, np.nansum(w, axis=1))


def _mean(w: FloatArray) -> FloatArray:
    return _sum(w) / (~np.isnan(w)).sum(axis=1)


def _std(w: FloatArray) -> FloatArray:
    count = (~np.isnan(w)).sum(axis=1)
    squares = np.nansum((w - _mean(w)[:, None]) ** 2, axis=1)
    return np.sqrt(squares / np.where(count > 1, count - 1, np.nan))


def _correlation(a: FloatArray, b: FloatArray) -> FloatArray:
    flat = (_std(a) <= 2e-5) | (_std(b) <= 2e-5)
    da, db = a - _mean(a)[:, None], b - _mean(b)[:, None]
    both = np.nansum(da * db, axis=1)
    correlation = both / np.sqrt(np.nansum(da**2, axis=1) * np.nansum(db**2, axis=1))
    return np.where(flat | (np.isnan(a) | np.isnan(b)).all(axis=1), np.nan, correlation)


def _quantile(w: FloatArray, count: FloatArray, q: float) -> FloatArray:
    ordered = np.sort(w, axis=1)  # NaN last.
    place = q * (count - 1)
    below = np.floor(place).astype(int)
    rows = np.arange(len(w))
    low, high = ordered[rows, below], ordered[rows, np.minimum(below + 1, count - 1)]
    return low + (place - below) * (high - low)
