"""Features at scale: a universe streamed to Parquet, and a new bar for every symbol of it."""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from basics.arrays import FloatArray
from benchmarks.harness import Row
from features.online import OnlineFeatures
from features.sets import feature_set
from infra.feature_cache import DiskFeatureCache
from infra.feature_export import export_features
from market.panel import Panel, panel_from_bars
from services.feature_store import FeatureStore

N_SYMBOLS, N_SESSIONS, AT_ONCE = 5_000, 2_500, 250
LIMIT_GIB, LIMIT_MS = 6.0, 50.0
FIELDS = ("open", "high", "low", "close", "volume", "vwap")


class BarFiles:
    """Simulated bars in Parquet, a file for each `AT_ONCE` symbols; read lazily by symbol."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def version(self, dataset: str) -> str:
        """Return a constant: the files do not change."""
        return dataset

    def panel(
        self, dataset: str, *, fields: Sequence[str], symbols: Sequence[str], **_: object
    ) -> Panel:
        """Read the bars of some symbols."""
        rows = pl.scan_parquet(self._folder / dataset / "*.parquet")
        wanted = rows.filter(pl.col("symbol").is_in(list(symbols)))
        return panel_from_bars(wanted.select("symbol", "session", *fields).collect(), fields=fields)


def symbol_names() -> list[str]:
    """Return the names of the universe."""
    return [f"S{i:05}" for i in range(N_SYMBOLS)]


def simulated_bars(rng: np.random.Generator, shape: tuple[int, int]) -> dict[str, FloatArray]:
    """Return sound bars of the shape (n_symbols, n_sessions)."""
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, shape), axis=1))
    open_ = close * np.exp(rng.normal(0, 0.01, shape))
    high, low = np.maximum(open_, close) * 1.01, np.minimum(open_, close) * 0.99
    volume = np.round(np.exp(rng.normal(13, 0.7, shape)))
    return {"open": open_, "high": high, "low": low, "close": close, "volume": volume,
            "vwap": (open_ + high + low + close) / 4}  # fmt: skip


def write_universe(folder: Path) -> None:
    """Write the universe's bars."""
    rng, names = np.random.default_rng(5), symbol_names()
    days = np.busday_offset(np.datetime64("2012-01-03"), np.arange(N_SESSIONS), roll="forward")
    (folder / "bars").mkdir(parents=True)
    for k in range(0, N_SYMBOLS, AT_ONCE):
        part = names[k : k + AT_ONCE]
        bars = simulated_bars(rng, (len(part), N_SESSIONS))
        columns = {"symbol": np.repeat(part, N_SESSIONS), "session": np.tile(days, len(part))}
        columns |= {name: values.ravel() for name, values in bars.items()}
        pl.DataFrame(columns).write_parquet(folder / "bars" / f"{k:05}.parquet")


def stream(folder: Path) -> dict[str, float]:
    """Stream the universe's Alpha158 to Parquet; return rows, seconds and the peak of memory."""
    begin = time.perf_counter()
    store = FeatureStore(
        market=BarFiles(folder), cache=DiskFeatureCache(folder / "cache"), threads=2
    )
    panels = store.stream("alpha158", "bars", symbols=symbol_names(), symbols_at_once=AT_ONCE)
    rows = export_features(panels, folder / "out")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"rows": rows, "seconds": time.perf_counter() - begin, "peak_gib": peak}


def universe_rows(folder: Path) -> Iterator[Row]:
    """Measure the streaming in a process of its own, so that the peak is its own."""
    write_universe(folder)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.feature_scale", str(folder)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout.strip().splitlines()[-1])
    claim = f"peak, Alpha158 of {N_SYMBOLS} x {N_SESSIONS} ({found['rows']:.0f} rows) to Parquet"
    yield Row("features.universe_memory", f"{claim} in {found['seconds']:.0f} s", found["peak_gib"],
              "GiB", "limit", LIMIT_GIB)  # fmt: skip


def online_rows() -> Iterator[Row]:
    """Measure one new bar for every symbol."""
    alpha, kept = feature_set("alpha158"), 100
    bars = simulated_bars(np.random.default_rng(6), (N_SYMBOLS, kept))
    days = np.busday_offset(np.datetime64("2024-01-02"), np.arange(kept), roll="forward")
    panel = Panel(tuple(symbol_names()), days, bars)
    live = OnlineFeatures(alpha, panel.window(0, 70))
    took, spent = [], []
    for t in range(70, kept):
        newest = {name: np.ascontiguousarray(values[:, t]) for name, values in bars.items()}
        wall, cpu = time.perf_counter(), time.process_time()
        found = live.update(days[t], newest)
        took.append(1e3 * (time.perf_counter() - wall))
        spent.append(1e3 * (time.process_time() - cpu))
    batch = alpha.compute(panel).values[:, :, -1]
    same = np.isclose(found, batch, rtol=1e-9, atol=1e-12, equal_nan=True).all()
    claim = f"one bar for {N_SYMBOLS} symbols, all 158, best of {len(took)}; equals batch: {same}"
    # The first update loads the kernels.
    yield Row("features.online_update", claim, min(took[1:]), "ms", "limit", LIMIT_MS)
    yield Row("features.online_update_cpu", "the same, median processor time",
              float(np.median(spent[1:])), "ms", "limit", LIMIT_MS)  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(stream(Path(sys.argv[1]))))
