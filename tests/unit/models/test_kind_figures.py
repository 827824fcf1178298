"""Tests of the plots of each kind: its own are there, and the curves are right by hand."""

from dataclasses import replace

import numpy as np
import pytest

from models import kind_figures
from models.anomaly_kind import AnomalySpec
from models.confidence import YearCoverage
from models.contest import Contender
from models.evaluation import YearScore
from models.kind_figures import Shown, plots
from models.price import PriceSpec
from models.regime_kind import RegimeSpec
from models.signal import SignalSpec
from models.sizing_kind import SizingSpec
from models.tail_forecast import TailSpec
from models.volatility import VolatilitySpec

SESSIONS = np.arange("2019-01-01", "2021-01-01", dtype="datetime64[D]")
SHARED = {"loss_over_time", "models", "coverage_by_year"}


def _shown(outcome: np.ndarray) -> Shown:
    rng = np.random.default_rng(2)
    grids = {name: rng.uniform(0.01, 1.0, size=outcome.shape) for name in ("mine", "naive")}
    at = np.arange(outcome.shape[1])
    return Shown(
        candidate="mine",
        metric="some loss",
        sessions=SESSIONS,
        outcome=outcome,
        grids=grids,
        contenders={
            name: Contender(
                name=name, losses=rng.uniform(size=len(at)), returns=rng.normal(size=99),
                sessions=at,
            )
            for name in grids
        },
        coverage=(YearCoverage(year=2019, share=0.86, outcomes=9),),
        scores={"mine": (YearScore(year=2019, rank_ic=0.1, standard_error=0.1, sessions=9),)},
    )  # fmt: skip


def _outcome(*, classes: bool = False) -> np.ndarray:
    values = np.random.default_rng(1).uniform(0.01, 1.0, size=(3, len(SESSIONS)))
    return (values > 0.7).astype(float) if classes else values


@pytest.mark.parametrize(
    ("spec", "classes", "own"),
    [
        (PriceSpec(), False, {"rank_ic_by_year", "profit"}),
        (VolatilitySpec(), False, {"calibration"}),
        (RegimeSpec(), False, {"calibration"}),
        (
            TailSpec(),
            False,
            {"exceedances_by_year", "exceedances_over_time", "forecast_and_loss"},
        ),
        (SizingSpec(realised=_outcome() / 50), False, {"drawdown", "wealth", "size"}),
        (SignalSpec(), True, {"roc", "precision_recall", "reliability"}),
        (AnomalySpec(), True, {"roc", "precision_recall", "p_values"}),
    ],
)
def test_each_kind_shows_what_it_is_judged_by(
    spec: object, *, classes: bool, own: set[str]
) -> None:
    drawn = plots(spec, _shown(_outcome(classes=classes)))

    assert set(drawn) == {f"plots/{name}.png" for name in SHARED | own}
    assert all(content.startswith(b"\x89PNG") for content in drawn.values())


def test_a_kind_of_ones_own_has_what_all_share() -> None:
    drawn = plots(object(), replace(_shown(_outcome()), importances={"a": 0.7, "b": 0.3}))

    assert set(drawn) == {f"plots/{name}.png" for name in (*SHARED, "importance")}


def test_hits_and_false_alarms_by_hand() -> None:
    score, label = np.array([0.9, 0.8, 0.8, 0.1]), np.array([1.0, 0.0, 1.0, 0.0])

    hits, misses = kind_figures._counts(score, label)

    # From 0.9: one right. From 0.8, where two are tied: one right and one wrong more.
    assert hits.tolist() == [0, 1, 2, 2]
    assert misses.tolist() == [0, 0, 1, 2]
