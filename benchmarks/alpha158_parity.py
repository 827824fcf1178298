"""Every value of Alpha158 held against a float64 reference and against pyqlib, cell by cell.

pyqlib holds its series (returns, logarithms of volume) in float32. Where a value of its differs
from ours by more than 1e-3, its own formula is computed again in its own environment, with the
pandas that it calls, twice: over series in float32, which must give pyqlib's value, and over the
same series in float64, which must give ours. A cell counts as explained only if both hold: then
nothing but the width of pyqlib's numbers parts the two.
"""

from pathlib import Path

import numpy as np

from basics.arrays import BoolArray, FloatArray
from benchmarks.alpha158_reference import reference
from benchmarks.harness import Row, run_peer
from features.panel import FeaturePanel
from market.panel import Panel

# Relative: to the float64 reference, to pyqlib, and of pyqlib's formula to pyqlib itself.
TO_REFERENCE, TO_PEER, TO_ITSELF = 1e-6, 1e-3, 1e-6
FORMULAS = ("CORR", "CORD")

# pyqlib 0.9.7: Corr($close, Log($volume+1), d) and
# Corr($close/Ref($close,1), Log($volume/Ref($volume, 1)+1), d); qlib/data/ops.py, class Corr.
EXPLAIN = """
import json, sys, warnings
warnings.filterwarnings("ignore")
folder, where = sys.argv[1:]
import numpy as np
import qlib
from qlib.data import D

qlib.init(provider_uri=folder, region="us", kernels=1, logging_level=40,
          joblib_backend="threading", expression_cache=None, dataset_cache=None)
bars = D.features(D.instruments("all"), ["$close", "$volume"])
days = list(D.calendar())
place = {day: k for k, day in enumerate(days)}
symbols = sorted(set(bars.index.get_level_values("instrument")))
windows = (5, 10, 20, 30, 60)

def corr(left, right, n):
    found = left.rolling(n, min_periods=1).corr(right)
    flat = [np.isclose(x.rolling(n, min_periods=1).std(), 0, atol=2e-05) for x in (left, right)]
    found[flat[0] | flat[1]] = np.nan
    return found

out = np.full((2, 10, len(symbols), len(days)), np.nan)
for i, symbol in enumerate(symbols):
    own = bars.loc[symbol]
    columns = [place[day] for day in own.index]
    for wide, dtype in enumerate(("float32", "float64")):
        c, v = own["$close"].astype(dtype), own["$volume"].astype(dtype)
        pairs = ((c, np.log(v + 1)), (c / c.shift(1), np.log(v / v.shift(1) + 1)))
        assert all(series.dtype == dtype for pair in pairs for series in pair)
        for f, (left, right) in enumerate(pairs):
            for k, n in enumerate(windows):
                out[wide, 5 * f + k, i, columns] = corr(left, right, n)
np.save(where, out)
print(json.dumps({"names": [f"{f}{n}" for f in ("CORR", "CORD") for n in windows],
                  "symbols": symbols}))
"""


def differences(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the relative difference of a to b where both are present, else 0.

    The correlation of two windows that happen to be unrelated is 0 up to rounding, where a
    relative difference has no meaning: the least denominator is 1e-6 of b's standard deviation.
    """
    least = 1e-6 * np.nanstd(b)
    return np.nan_to_num(np.abs(a - b) / np.maximum(np.abs(b), least))


def parity_rows(folder: Path, panel: Panel, ours: FeaturePanel, peer_names: list[str]) -> list[Row]:
    """Compare every value; return the row of the reference and the row of pyqlib.

    Parameters
    ----------
    folder : Path
        Holds the bars in qlib's format, and pyqlib's answer as `peer.npy`.
    """
    theirs = np.load(folder / "peer.npy", mmap_mode="r")
    exact = reference(panel)
    explained = _explain(folder)
    wrong, worst, apart_in_all, unexplained_in_all, masks_in_all = 0, 0.0, 0, 0, 0
    for name in ours.names:
        mine, peer = ours[name], np.asarray(theirs[peer_names.index(name)])
        masks = np.isnan(mine) != np.isnan(peer)
        error = differences(mine, exact[name])
        wrong += int((error > TO_REFERENCE).sum() + (np.isnan(mine) != np.isnan(exact[name])).sum())
        worst = max(worst, float(error.max()))
        apart = differences(mine, peer) > TO_PEER
        left = apart & ~_is_float32(name, mine, peer, explained)
        apart_in_all += int(apart.sum())
        unexplained_in_all += int(left.sum())
        masks_in_all += int(masks.sum())
        if apart.any() or masks.any():
            size = np.abs(peer[apart]).max(initial=0.0)
            print(f"{name:8} {apart.sum()} of {apart.size} cells differ from pyqlib by over 1e-3 "
                  f"(all of size {size:.1e} or less, ours to the reference "
                  f"{error[apart].max(initial=0.0):.1e}); pyqlib's formula in float32 gives its "
                  f"value and in float64 ours in all but {left.sum()}; masks differ in "
                  f"{masks.sum()}")  # fmt: skip
    agree = ours.values.size - unexplained_in_all - masks_in_all
    return [
        Row("features.alpha158_parity",
            f"{ours.values.size} values to a float64 reference; wrong: {wrong}",
            0.0 if wrong else TO_REFERENCE / worst, "1", "the tolerance 1e-6", 1.0),
        Row("features.alpha158_parity_pyqlib",
            f"share of values equal to pyqlib's within 1e-3, or in {apart_in_all} cells shown "
            f"one by one to differ by pyqlib's float32; unexplained: {unexplained_in_all}, "
            f"missing in one alone: {masks_in_all}",
            agree / ours.values.size, "1", "every value", 1.0),
    ]  # fmt: skip


def _explain(folder: Path) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Return pyqlib's formula over float32 and over float64 series, for each column."""
    told = run_peer(EXPLAIN, str(folder), str(folder / "explained.npy"))
    found = np.load(folder / "explained.npy")
    return {name: (found[0, k], found[1, k]) for k, name in enumerate(told["names"])}


def _is_float32(
    name: str,
    mine: FloatArray,
    peer: FloatArray,
    explained: dict[str, tuple[FloatArray, FloatArray]],
) -> BoolArray:
    """Return the cells whose difference pyqlib's own formula shows to be its float32."""
    if name not in explained:
        return np.zeros(mine.shape, bool)
    narrow, wide = explained[name]
    # pyqlib hands its answer out as float32, so it is held to that.
    gives_theirs = differences(narrow.astype(np.float32).astype(np.float64), peer) <= TO_ITSELF
    gives_ours = differences(wide, mine) <= TO_PEER
    both_there = ~(np.isnan(narrow) | np.isnan(wide))
    is_it: BoolArray = gives_theirs & gives_ours & both_there
    return is_it
