"""Models beside their peers and limits: `make bench NAME=models`."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import lightgbm
import numpy as np

from basics.clock import ManualClock
from benchmarks.harness import Row, best_seconds, publish
from features.labels import forward_return
from features.sets import feature_set
from infra.model_registry import MlflowRegistry
from market.panel import Panel
from models.price import PriceSpec
from models.tournament import Ground, play
from models.trees import TreePredictor
from services.training import Training, TrainingInputs

ROWS, FEATURES, TREES, LEAVES = 20_000, 50, 200, 31
COLD_START = """
import sys, time
import numpy, msgspec, numba, sqlite3
# numba imports two hundred modules of its own at the first kernel: imports, not loading.
numba.njit(lambda x: x + 1.0)(1.0)
start = time.perf_counter()
from pathlib import Path
from infra.model_store import ModelStore
from services.predictions import Predictions
served = Predictions(ModelStore(Path(sys.argv[1]))).served("price", sys.argv[2])
served.predictor.predict_row(numpy.zeros(len(served.predictor.feature_names)))
seconds = time.perf_counter() - start
heavy = sorted({"mlflow", "pandas", "sklearn", "lightgbm"} & set(sys.modules))
assert not heavy, heavy
print(seconds)
"""


def main() -> None:
    """Run every claim about models and write them down."""
    rows = predict_claims()
    with tempfile.TemporaryDirectory(prefix="models-") as folder:
        rows += training_claims(Path(folder))
    publish("models", rows)


def predict_claims() -> list[Row]:
    """Hold the compiled walk against LightGBM's own prediction, on one thread."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(ROWS, FEATURES))
    y = x[:, :10] @ rng.normal(size=10) + np.sin(3 * x[:, 10]) + rng.normal(size=ROWS)
    settings = {"objective": "regression", "num_leaves": LEAVES, "verbosity": -1, "seed": 1}
    booster = lightgbm.train(settings, lightgbm.Dataset(x, y), TREES)
    ours = TreePredictor(booster.model_to_string())
    theirs = booster.predict(x, num_threads=1)
    worst = float(np.abs(ours.predict(x) - theirs).max())
    one_by_one = np.array([ours.predict_row(row) for row in x[:2000]])
    worst = max(worst, float(np.abs(one_by_one - theirs[:2000]).max()))
    if worst > 1e-12:
        raise SystemExit(f"compiled and LightGBM differ by {worst}")
    row = _microseconds(lambda i: ours.predict_row(x[i]), calls=5000)
    peer_row = _microseconds(lambda i: booster.predict(x[i : i + 1], num_threads=1), calls=1000)
    batch = ROWS / best_seconds(lambda: ours.predict(x))
    peer_batch = ROWS / best_seconds(lambda: booster.predict(x, num_threads=1))
    shape = f"{FEATURES} features, {TREES} trees x {LEAVES} leaves, largest difference {worst:.1g}"
    return [
        Row("models.row_predict", f"one row, {shape}", row, "us", "Booster.predict", peer_row),
        Row("models.batch_predict", f"{ROWS} rows, one thread", batch, "1/s", "Booster.predict",
            peer_batch),
    ]  # fmt: skip


def training_claims(folder: Path) -> list[Row]:
    """Train the price model walk-forward on the 20 stocks, log it, and load it cold."""
    panel = _sample()
    spec = PriceSpec(first_test_year=2003, refit_years=2)
    inputs = TrainingInputs(
        features=feature_set("close_momentum").compute(panel),
        outcome=forward_return(panel, horizon=spec.horizon, entry_lag=spec.entry_lag),
        data_version="bench",
        spec=spec,
    )
    dataset = spec.dataset(inputs.features, inputs.outcome)
    ground = Ground(spec=spec, dataset=dataset, folds=tuple(spec.folds(dataset)))
    walk = best_seconds(lambda: play(ground, [spec.candidate()]), repeat=3)
    logging = _logging_seconds(inputs, folder)
    registry = MlflowRegistry(folder, clock=ManualClock(datetime(2022, 12, 28, tzinfo=UTC)))
    newest = registry.versions("price")[-1].version
    cold = _cold_seconds(folder, newest)
    claim = f"walk-forward training, {len(ground.folds)} folds, {len(dataset.y):,} rows"
    return [
        Row("models.walk_forward", claim, walk, "s", "limit", 30.0),
        Row("models.log_overhead", "MLflow logging of a training run, three runs and a version",
            logging, "s", "limit", 3.0),
        Row("models.cold_load", "resolved, checked, ready; libraries imported, kernels cached",
            cold, "s", "limit", 0.5),
    ]  # fmt: skip


def _sample() -> Panel:
    """Return the observed closes of the 20 sample stocks."""
    from skfolio.datasets import load_sp500_dataset

    prices = load_sp500_dataset()
    return Panel(
        tuple(prices.columns),
        prices.index.to_numpy().astype("datetime64[D]"),
        {"close": np.ascontiguousarray(prices.to_numpy().T, dtype=np.float64)},
    )


def _logging_seconds(inputs: TrainingInputs, folder: Path) -> float:
    """Return the time that the registry's writing takes in one training, MLflow imported."""
    registry = _Timed(folder, clock=ManualClock(datetime(2022, 12, 28, tzinfo=UTC)))
    # The tables are made once in the life of a registry.
    Training(registry, code_version="warm").train(inputs)
    registry.seconds = 0.0
    Training(registry, code_version="bench").train(inputs)
    return registry.seconds


class _Timed(MlflowRegistry):
    """Counts the time spent in writing."""

    seconds = 0.0

    def record(self, run):  # noqa: ANN001, ANN202 - as the base class has it
        start = time.perf_counter()
        made = super().record(run)
        self.seconds += time.perf_counter() - start
        return made

    def register(self, run, *, format, input_key):  # noqa: ANN001, ANN202 - as the base class
        start = time.perf_counter()
        made = super().register(run, format=format, input_key=input_key)
        self.seconds += time.perf_counter() - start
        return made


def _cold_seconds(folder: Path, version: int) -> float:
    """Return the median time of five processes; the first ever compiles the kernels."""
    times = []
    for _ in range(6):
        done = subprocess.run(
            [sys.executable, "-c", COLD_START, str(folder), str(version)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        times.append(float(done.stdout))
    return median(times[1:])


def _microseconds(call: Callable[[int], object], *, calls: int) -> float:
    def run() -> None:
        for i in range(calls):
            call(i)

    return 1e6 * best_seconds(run) / calls


if __name__ == "__main__":
    main()
