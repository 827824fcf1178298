"""The stages of an experiment, as `dvc.yaml` runs them: data, features, training, backtest.

Each calls the same steps as the flows and writes down what came of it, as small documents that
DVC keeps and compares. A stage whose ground is gone (the lake was cleared, the document came
out of DVC's cache) makes it again, since every step reads what stands and adds what is missing.
Nothing here touches the desk's own documents: an experiment is not the day.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from basics.errors import InvalidInputError
from flows import pnl_steps, steps
from flows.day import Day
from infra.isolation import PROJECT_ROOT
from infra.report.json_file import write_json
from services.pnl_performance import performance_of
from services.portfolio_review import BENCHMARK, universe_returns

# Beside the code and not in the state folder, which a setting may move: dvc.yaml names the path.
FOLDER = PROJECT_ROOT / "var" / "experiment"
HEADLINES = (
    "total_return", "cagr", "volatility", "sharpe_ratio", "sortino_ratio", "calmar_ratio",
    "max_drawdown", "hit_rate", "information_ratio", "beta",
)  # fmt: skip


def data(day: Day, folder: Path) -> None:
    """Bring the source into the lake; write which content the lake then holds."""
    steps.ingest(day)
    state = day.desk.market_data.lake.state(day.experiment.data.dataset)
    write_json(
        {
            "dataset": state.dataset.name,
            "version": state.version,
            "last_session": state.last_session,
            "simulated": sorted(state.dataset.simulated),
        },
        folder / "data.json",
    )


def features(day: Day, folder: Path) -> None:
    """Compute the feature set; write what it is and how much of it is known."""
    _stand_on_data(day)
    panel = day.features
    write_json(
        {
            "feature_set": panel.feature_set,
            "content_hash": panel.content_hash,
            "shape": panel.values.shape,
            "coverage": {
                name: _rounded(np.isfinite(values).mean())
                for name, values in zip(panel.names, panel.values, strict=True)
            },
        },
        folder / "features.json",
    )


def train(day: Day, folder: Path) -> None:
    """Train and judge the model; write its metrics, its evidence and its predictions."""
    _stand_on_data(day)
    trained = steps.train(day)
    write_json(
        {
            "candidate": {
                k: _rounded(v) for k, v in trained.metrics[trained.version.estimator].items()
            },
            "baseline_wins": int(trained.verdict.baseline_wins),
            "promoted": int(trained.verdict.promoted),
            "rank_ic_by_year": {
                str(score.year): _rounded(score.rank_ic)
                for score in trained.years[trained.version.estimator]
            },
        },
        folder / "model.json",
    )
    write_json(
        {name: _rounded(share) for name, share in trained.importances.items()},
        folder / "importances.json",
    )


def backtest(day: Day, folder: Path) -> None:
    """Trade the last sessions on paper; write what that earned, day by day and in figures."""
    _stand_on_data(day)
    traded = steps.trade(day)
    daily = pnl_steps.daily_books(day)
    performance = performance_of(
        daily, benchmark=universe_returns(day.panel, daily.sessions), benchmark_name=BENCHMARK
    )
    figures = {figure.name: figure.value for figure in performance.figures}
    write_json(
        {name: _rounded(figures.get(name)) for name in HEADLINES}
        | {
            "final_equity": float(performance.final_equity),
            "total_fees": float(performance.total_fees),
            "orders": traded.orders,
            "refused": traded.refused,
            "fills": traded.fills,
        },
        folder / "backtest.json",
    )
    curve = pl.DataFrame(
        {
            "session": performance.sessions,
            "equity": performance.equity,
            "drawdown": performance.drawdown,
            "benchmark_equity": performance.benchmark_equity,
        }
    )
    curve.write_csv(folder / "equity.csv", float_precision=6)


STAGES: Mapping[str, Callable[[Day, Path], None]] = {
    "data": data,
    "features": features,
    "train": train,
    "backtest": backtest,
}


def run_stage(name: str, day: Day, folder: Path = FOLDER) -> None:
    """Run one stage.

    Raises
    ------
    InvalidInputError
        If there is no such stage.
    """
    if name not in STAGES:
        raise InvalidInputError(f"no stage {name!r}: there are {', '.join(STAGES)}")
    folder.mkdir(parents=True, exist_ok=True)
    STAGES[name](day, folder)


def _stand_on_data(day: Day) -> None:
    """Bring the data in if the lake was cleared since the data stage ran."""
    if not day.desk.market_data.lake.has(day.experiment.data.dataset):
        steps.ingest(day)


def _rounded(value: Any) -> float | None:  # noqa: ANN401 - numpy's scalars and None
    """Return a figure at 12 significant digits: the last bits depend on the machine."""
    if value is None or not np.isfinite(value):
        return None
    return float(f"{float(value):.12g}")
