"""Alpha158 beside pyqlib, on the same files: processor time, and every value compared.

The bars are simulated from a seed and written in qlib's own format (float32), some symbols listed
late and some delisted early. Values are held against each other in `alpha158_parity`.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from basics.arrays import FloatArray
from benchmarks.alpha158_parity import parity_rows
from benchmarks.harness import Row, cpu_seconds, run_peer
from features.sets import feature_set
from market.panel import Panel

FIELDS = ("open", "high", "low", "close", "volume", "vwap")
SEED = 158

PEER = """
import json, os, resource, sys, time, warnings
warnings.filterwarnings("ignore")
folder, values = sys.argv[1:]
import numpy as np
import qlib
from qlib.contrib.data.handler import Alpha158

def cpu():
    use = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in use)

# One process: on several, pyqlib spends more processor time in all.
qlib.init(provider_uri=folder, region="us", kernels=1, logging_level=40,
          joblib_backend="threading", expression_cache=None, dataset_cache=None)
before, clock = cpu(), time.perf_counter()
handler = Alpha158(instruments="all", infer_processors=[], learn_processors=[])
frame = handler.fetch(col_set="feature")
spent, took = cpu() - before, time.perf_counter() - clock
symbols = sorted(set(frame.index.get_level_values("instrument")))
days = sorted(set(frame.index.get_level_values("datetime")))
out = np.full((frame.shape[1], len(symbols), len(days)), np.nan, np.float64)
row = frame.index.get_level_values("instrument").map({s: i for i, s in enumerate(symbols)})
column = frame.index.get_level_values("datetime").map({d: i for i, d in enumerate(days)})
out[:, row.to_numpy(), column.to_numpy()] = frame.to_numpy().T
np.save(values, out)
print(json.dumps({"cpu": spent, "wall": took, "names": list(frame.columns),
                  "symbols": symbols, "days": len(days)}))
"""


def write_bars(folder: Path, *, n_symbols: int, n_sessions: int) -> None:
    """Write simulated bars in qlib's format: one float32 file for each symbol and field."""
    rng = np.random.default_rng(SEED)
    days = np.busday_offset("2010-01-04", np.arange(n_sessions))
    (folder / "calendars").mkdir(parents=True, exist_ok=True)
    (folder / "instruments").mkdir(exist_ok=True)
    (folder / "calendars" / "day.txt").write_text("\n".join(map(str, days)) + "\n")
    lines = []
    for i in range(n_symbols):
        begin = int(rng.integers(1, n_sessions // 2)) if i % 10 == 3 else 0
        end = int(rng.integers(n_sessions // 2, n_sessions)) if i % 10 == 7 else n_sessions
        lines.append(f"S{i:04}\t{days[begin]}\t{days[end - 1]}\n")
        place = folder / "features" / f"s{i:04}"
        place.mkdir(parents=True, exist_ok=True)
        for name, values in _simulated_bars(rng, end - begin).items():
            np.concatenate([[begin], values]).astype("<f4").tofile(place / f"{name}.day.bin")
    (folder / "instruments" / "all.txt").write_text("".join(lines))


def _simulated_bars(rng: np.random.Generator, n: int) -> dict[str, FloatArray]:
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, n)))
    open_ = close * np.exp(rng.normal(0, 0.01, n))
    high = np.maximum(open_, close) * np.exp(np.abs(rng.normal(0, 0.01, n)))
    low = np.minimum(open_, close) * np.exp(-np.abs(rng.normal(0, 0.01, n)))
    volume = np.round(np.exp(rng.normal(13, 0.7, n)))
    return {"open": open_, "high": high, "low": low, "close": close, "volume": volume,
            "vwap": (open_ + high + low + close) / 4}  # fmt: skip


def read_bars(folder: Path, dtype: npt.DTypeLike) -> Panel:
    """Read what `write_bars` wrote into a panel of `dtype`."""
    days = np.array((folder / "calendars" / "day.txt").read_text().split(), "datetime64[D]")
    symbols = sorted(path.name for path in (folder / "features").iterdir())
    fields = {name: np.full((len(symbols), len(days)), np.nan, dtype) for name in FIELDS}
    for i, symbol in enumerate(symbols):
        for name, values in fields.items():
            with open(f"{folder}/features/{symbol}/{name}.day.bin", "rb", buffering=0) as file:
                column = np.frombuffer(file.read(), "<f4")
            begin = int(column[0])
            values[i, begin : begin + len(column) - 1] = column[1:]
    return Panel(tuple(symbol.upper() for symbol in symbols), days, fields)


def run(folder: Path, *, n_symbols: int = 300, n_sessions: int = 2_500) -> list[Row]:
    """Run the claims about Alpha158."""
    write_bars(folder, n_symbols=n_symbols, n_sessions=n_sessions)
    peer = run_peer(PEER, str(folder), str(folder / "peer.npy"))
    alpha, rows = feature_set("alpha158"), []
    for suffix, dtype in (("", np.float32), ("_f64", np.float64)):

        def from_files_to_panel(dtype: npt.DTypeLike = dtype) -> object:
            return alpha.compute(read_bars(folder, dtype), dtype=dtype)

        first = cpu_seconds(from_files_to_panel, repeat=1)
        spent = cpu_seconds(from_files_to_panel, repeat=5)
        print(f"{np.dtype(dtype)}: {first - spent:.1f} s to load or compile, once per machine")
        claim = f"Alpha158 {n_symbols} x {n_sessions} from files, {np.dtype(dtype)}, processor time"
        rows.append(Row(f"features.alpha158{suffix}_cpu", claim, spent, "s",
                        "pyqlib 0.9.7", peer["cpu"]))  # fmt: skip
    panel = read_bars(folder, np.float64)
    return [*rows, *parity_rows(folder, panel, alpha.compute(panel), peer["names"])]
