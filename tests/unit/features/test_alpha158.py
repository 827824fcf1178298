"""Tests of Alpha158: names, fields, and every value against pandas as qlib computes it."""

import numpy as np
import pandas as pd
import pytest

from features.panel import FeaturePanel
from features.sets import feature_set
from market.panel import Panel

WINDOWS = (5, 10, 20, 30, 60)


def _bars(n_sessions: int = 150) -> Panel:
    rng = np.random.default_rng(158)
    shape = (2, n_sessions)
    close = 30 * np.exp(np.cumsum(rng.normal(0, 0.02, shape), axis=1))
    high = close * np.exp(np.abs(rng.normal(0, 0.01, shape)))
    low = close * np.exp(-np.abs(rng.normal(0, 0.01, shape)))
    open_ = low + (high - low) * rng.random(shape)
    volume = np.exp(rng.normal(13, 1, shape))
    fields = {"open": open_, "high": high, "low": low, "close": close, "volume": volume}
    fields["vwap"] = (open_ + high + low + close) / 4
    for values in fields.values():
        values[1, :33] = np.nan  # Listed later.
    return Panel(("A", "B"), np.datetime64("2021-01-01") + np.arange(n_sessions), fields)


@pytest.fixture(scope="module")
def computed() -> FeaturePanel:
    return feature_set("alpha158").compute(_bars())


def _fit(window: np.ndarray) -> tuple[float, float, float]:
    if len(window) < 2:
        return np.nan, np.nan, np.nan
    days = np.arange(len(window))
    gradient, height = np.polyfit(days, window, 1)
    fitted = gradient * days + height
    rsquare = 1 - ((window - fitted) ** 2).sum() / ((window - window.mean()) ** 2).sum()
    return gradient, rsquare, window[-1] - fitted[-1]


def _reference(bars: pd.DataFrame) -> dict[str, pd.Series]:
    """qlib's formulas, in pandas, over one symbol from its first bar on."""
    o, h, lo, c, v = (bars[name] for name in ("open", "high", "low", "close", "volume"))
    span, before, traded = h - lo + 1e-12, c.shift(1), v.shift(1)
    body_top, body_bottom = np.maximum(o, c), np.minimum(o, c)
    out = {
        "KMID": (c - o) / o,
        "KLEN": (h - lo) / o,
        "KMID2": (c - o) / span,
        "KUP": (h - body_top) / o,
        "KUP2": (h - body_top) / span,
        "KLOW": (body_bottom - lo) / o,
        "KLOW2": (body_bottom - lo) / span,
        "KSFT": (2 * c - h - lo) / o,
        "KSFT2": (2 * c - h - lo) / span,
        "OPEN0": o / c,
        "HIGH0": h / c,
        "LOW0": lo / c,
        "VWAP0": bars["vwap"] / c,
    }
    up, down = np.maximum(c - before, 0), np.maximum(before - c, 0)
    more, less = np.maximum(v - traded, 0), np.maximum(traded - v, 0)
    weighted = (c / before - 1).abs() * v
    for d in WINDOWS:

        def roll(series: pd.Series, d: int = d) -> pd.core.window.Rolling:
            return series.rolling(d, min_periods=1)

        fits = [roll(c).apply(lambda w, k=k: _fit(w)[k], raw=True) for k in range(3)]
        top, bottom = roll(h).max(), roll(lo).min()
        top_at = roll(h).apply(lambda w: w.argmax() + 1, raw=True)
        bottom_at = roll(lo).apply(lambda w: w.argmin() + 1, raw=True)
        rises = roll((c > before).astype(float)).mean()
        falls = roll((c < before).astype(float)).mean()
        moved, volume_moved = roll(up + down).sum() + 1e-12, roll(more + less).sum() + 1e-12
        gained, lost = roll(up).sum(), roll(down).sum()
        grown, shrunk = roll(more).sum(), roll(less).sum()
        columns = {
            "ROC": c.shift(d) / c,
            "MA": roll(c).mean() / c,
            "STD": roll(c).std() / c,
            "BETA": fits[0] / c,
            "RSQR": fits[1],
            "RESI": fits[2] / c,
            "MAX": top / c,
            "MIN": bottom / c,
            "QTLU": roll(c).quantile(0.8) / c,
            "QTLD": roll(c).quantile(0.2) / c,
            "RANK": roll(c).rank(pct=True),
            "RSV": (c - bottom) / (top - bottom + 1e-12),
            "IMAX": top_at / d,
            "IMIN": bottom_at / d,
            "IMXD": (top_at - bottom_at) / d,
            "CORR": roll(c).corr(np.log(v + 1)),
            "CORD": roll(c / before).corr(np.log(v / traded + 1)),
            "CNTP": rises,
            "CNTN": falls,
            "CNTD": rises - falls,
            "SUMP": gained / moved,
            "SUMN": lost / moved,
            "SUMD": (gained - lost) / moved,
            "VMA": roll(v).mean() / (v + 1e-12),
            "VSTD": roll(v).std() / (v + 1e-12),
            "WVMA": roll(weighted).std() / (roll(weighted).mean() + 1e-12),
            "VSUMP": grown / volume_moved,
            "VSUMN": shrunk / volume_moved,
            "VSUMD": (grown - shrunk) / volume_moved,
        }
        out |= {f"{name}{d}": series for name, series in columns.items()}
    return out


def test_every_value_equals_qlibs_formula_in_float64(computed: FeaturePanel) -> None:
    bars = _bars()
    for i, listed in enumerate((0, 33)):
        frame = pd.DataFrame({name: values[i, listed:] for name, values in bars.fields.items()})
        reference = _reference(frame)
        assert set(reference) == set(computed.names)
        for name, series in reference.items():
            np.testing.assert_allclose(
                computed[name][i, listed:], series, rtol=1e-6, atol=1e-9, err_msg=name
            )
            assert np.isnan(computed[name][i, :listed]).all(), name


def test_there_are_158_in_qlibs_order(computed: FeaturePanel) -> None:
    assert len(computed.names) == 158
    assert computed.names[:13] == (
        *("KMID", "KLEN", "KMID2", "KUP", "KUP2", "KLOW", "KLOW2", "KSFT", "KSFT2"),
        *("OPEN0", "HIGH0", "LOW0", "VWAP0"),
    )
    assert computed.names[13:19] == ("ROC5", "ROC10", "ROC20", "ROC30", "ROC60", "MA5")
    assert computed.names[-1] == "VSUMD60"


def test_alpha157_is_alpha158_without_the_vwap(computed: FeaturePanel) -> None:
    bars = feature_set("alpha157")

    assert bars.names == tuple(name for name in computed.names if name != "VWAP0")
    assert "vwap" not in bars.fields


def test_float32_keeps_about_four_digits(computed: FeaturePanel) -> None:
    single = feature_set("alpha158").compute(_bars(), dtype=np.float32)

    assert single.values.dtype == np.float32
    close = np.isclose(single.values, computed.values, rtol=1e-3, atol=1e-4, equal_nan=True)
    assert close.mean() > 0.999
