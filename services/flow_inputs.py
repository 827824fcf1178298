"""From the desk's own fills to what the anomaly kind is trained on."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from basics.arrays import BoolArray
from basics.errors import MissingDataError
from basics.identifiers import content_hash
from basics.trading import Fill
from market.panel import Panel
from models.anomaly_kind import AnomalySpec, planted_labels
from models.flow_anomaly import STATISTICS, WINDOW, Flow, flow_features, plant_flow_errors
from services.leak_proof import LeakProof
from services.training_inputs import TrainingInputs

# A tenth of the days: two years of two strategies are few rows.
PLANTED_SHARE = 0.10
# Half of them must still make features once the future is removed.
PROVABLE_DAYS = 2 * WINDOW + 4
PLANTED = "planted errors in the desk's own flow"


def flow_of(fills: Sequence[Fill]) -> Flow:
    """Return what each strategy did each day.

    Raises
    ------
    MissingDataError
        If there is no fill.
    """
    if not fills:
        raise MissingDataError("the desk has no fills yet: trade first (`quantdesk demo`)")
    strategies = tuple(sorted({fill.book.strategy for fill in fills}))
    days = np.array(sorted({fill.executed_at.date() for fill in fills}), dtype="datetime64[D]")
    shape = (len(strategies), len(days))
    sums = {name: np.zeros(shape) for name in STATISTICS}
    for fill in fills:
        cell = (
            strategies.index(fill.book.strategy),
            int(np.searchsorted(days, np.datetime64(fill.executed_at.date()))),
        )
        value = float(abs(fill.quantity * fill.price))
        sums["fills"][cell] += 1.0
        sums["notional"][cell] += value
        sums["largest"][cell] = max(sums["largest"][cell], value)
        sums["bought"][cell] += value if fill.quantity > 0 else 0.0
        sums["fees"][cell] += float(fill.fee)
    traded = sums["notional"] > 0
    np.divide(sums["bought"], sums["notional"], out=sums["bought"], where=traded)
    values = {name: np.where(traded, array, np.nan) for name, array in sums.items()}
    return Flow(strategies=strategies, days=days, values=values)


def flow_inputs(fills: Sequence[Fill], *, spec: AnomalySpec) -> TrainingInputs:
    """Return what the anomaly kind is trained on: the fills' days, errors planted into some.

    The test is the last calendar year with fills.
    """
    flow = flow_of(fills)
    spec = replace(
        spec,
        planted_share=PLANTED_SHARE,
        first_test_year=int(flow.days[-1].astype("datetime64[Y]").astype(int)) + 1970,
    )
    spoiled, planted = plant_flow_errors(
        flow, share=PLANTED_SHARE, generator=np.random.default_rng(spec.seed)
    )
    marks = [(f.venue, f.exec_id, str(f.quantity), str(f.price), str(f.fee)) for f in fills]
    return TrainingInputs(
        features=flow_features(spoiled, history=flow),
        sound=flow_features(flow),
        outcome=planted_labels(planted, name=PLANTED),
        data_version=content_hash(marks),
        spec=spec,
        proof=_proof(flow, planted) if len(flow.days) >= PROVABLE_DAYS else None,
    )


def _proof(flow: Flow, planted: BoolArray) -> LeakProof:
    """Return how features and label are made of the flow, as a panel of strategies and days."""
    return LeakProof(
        label=lambda p: planted_labels(planted[:, np.isin(flow.days, p.sessions)], name=PLANTED),
        panel=Panel(flow.strategies, flow.days, flow.values),
        features=lambda p: flow_features(
            Flow(strategies=p.symbols, days=p.sessions, values=p.fields)
        ),
    )
