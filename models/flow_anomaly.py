"""The anomaly kind on the desk's own flow: how unlike the days before a day is.

A row is a strategy's day: how many fills, how much was traded, how large the largest fill was,
how much of it bought, what it cost. On a simulated venue the flow is simulated, so that a
verdict on it is no evidence and promotes nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from basics.arrays import BoolArray, DateArray, FloatArray
from basics.errors import InvalidInputError, MissingDataError
from basics.identifiers import content_hash
from features.panel import FeaturePanel
from models.anomaly_kind import CALM
from models.variance import trailing_mean

VERSION = 1
WINDOW = 20
STATISTICS = ("fills", "notional", "largest", "bought", "fees")
BEFORE = ("fills", "notional")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What each strategy did each day, arrays of shape (n_strategies, n_days), NaN where nothing.

    Attributes
    ----------
    fills, notional, largest, fees : ndarray
        Number of fills, traded value, value of the largest fill, fees paid.
    bought : ndarray
        Share of the traded value that was bought.
    """

    strategies: tuple[str, ...]
    days: DateArray
    values: Mapping[str, FloatArray]

    def __post_init__(self) -> None:
        shape = (len(self.strategies), len(self.days))
        if set(self.values) != set(STATISTICS) or any(
            v.shape != shape for v in self.values.values()
        ):
            raise InvalidInputError(f"flow needs {', '.join(STATISTICS)} of shape {shape}")


def flow_features(flow: Flow, *, history: Flow | None = None) -> FeaturePanel:
    """Return each day beside the strategy's own last 20 days.

    Parameters
    ----------
    history : Flow, optional
        What came before, where `flow` holds planted errors; `flow` itself if left out.
    """
    if len(flow.days) <= WINDOW + 1:
        raise MissingDataError(f"{len(flow.days)} days of flow are too few: need {WINDOW + 2}")
    past = (flow if history is None else history).values
    now = flow.values
    columns = {f"{name}_z": _beside(now[name], past[name]) for name in BEFORE}
    columns["largest_share"] = now["largest"] / now["notional"]
    columns["bought"] = now["bought"]
    columns["fee_rate"] = 1e4 * now["fees"] / now["notional"]
    columns[CALM] = -np.max([np.abs(columns[f"{name}_z"]) for name in BEFORE], axis=0)
    return FeaturePanel(
        tuple(columns),
        flow.strategies,
        flow.days,
        np.stack(list(columns.values())),
        f"flow_anomaly@{VERSION}",
        content_hash("flow_anomaly", VERSION, list(columns), WINDOW),
        frozenset({"fills"}),
    )


def plant_flow_errors(
    flow: Flow, *, share: float, generator: np.random.Generator
) -> tuple[Flow, BoolArray]:
    """Return the flow with errors in a share of its days, and which days those are."""
    values = {name: array.copy() for name, array in flow.values.items()}
    known = np.isfinite(values["notional"])
    planted = known & (generator.random(known.shape) < share)
    for cell in zip(*np.nonzero(planted), strict=True):
        kind = int(generator.integers(4))
        if kind == 0:  # One order ten times too large.
            extra = 9.0 * values["largest"][cell]
            values["largest"][cell] += extra
            values["notional"][cell] += extra
        elif kind == 1:  # Every order sent twice.
            for name in ("fills", "notional", "fees"):
                values[name][cell] *= 2.0
        elif kind == 2:  # One side lost on the way.
            values["bought"][cell] = float(generator.integers(2))
            values["fills"][cell] = max(1.0, np.floor(values["fills"][cell] / 2))
        else:  # A fee in the wrong unit.
            values["fees"][cell] *= 10.0
    return Flow(strategies=flow.strategies, days=flow.days, values=values), planted


def _beside(now: FloatArray, past: FloatArray) -> FloatArray:
    """Return how many standard deviations the logarithm lies from that of the 20 days before."""
    before = np.full_like(past, np.nan)
    before[:, 1:] = np.log(past[:, :-1])
    mean = trailing_mean(before, WINDOW)
    spread = np.sqrt(np.maximum(trailing_mean(before**2, WINDOW) - mean**2, 1e-4))
    return np.asarray((np.log(now) - mean) / spread, dtype=np.float64)
