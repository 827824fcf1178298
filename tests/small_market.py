"""A small market with a known truth, for tests of training."""

import numpy as np

from features.labels import forward_return
from features.panel import FeaturePanel
from market.panel import Panel
from models.contest import GateRules
from models.estimators import BoostedTrees
from models.price import PriceSpec
from services.training_inputs import TrainingInputs

SPEC = PriceSpec(
    horizon=2,
    train_every=2,
    embargo_sessions=1,
    first_test_year=2011,
    momentum_feature="noise",
    scale_feature="",
    trees=BoostedTrees(trees=15, leaves=4, rows_per_leaf=20, learning_rate=0.1),
    rules=GateRules(bootstrap_resamples=100),
)


def inputs(*, skill: float, spec: PriceSpec = SPEC, simulated: bool = False) -> TrainingInputs:
    """Six symbols over four years; `signal` tells `skill` of the next days' return."""
    rng = np.random.default_rng(11)
    sessions = np.arange("2010-01-01", "2014-01-01", dtype="datetime64[D]")
    signal = rng.normal(size=(6, len(sessions)))
    daily = 0.01 * rng.normal(size=signal.shape)
    # What is known at t moves the price from t + 1 to t + 3.
    for lag in (2, 3):
        daily[:, lag:] += 0.01 * skill * signal[:, :-lag]
    close = 100.0 * np.exp(np.cumsum(daily, axis=1))
    panel = Panel(tuple("ABCDEF"), sessions, {"close": close})
    values = np.stack([signal, rng.normal(size=signal.shape)])
    fields = frozenset({"volume"}) if simulated else frozenset()
    features = FeaturePanel(
        ("signal", "noise"), panel.symbols, sessions, values, "s@1", "hash", fields
    )
    return TrainingInputs(
        features=features,
        outcome=forward_return(panel, horizon=2),
        data_version="d1",
        spec=spec,
    )
