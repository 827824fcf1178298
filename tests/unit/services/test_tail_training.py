"""Tests of the risk kind: tails by hand, judged, registered, honest about simulated closes."""

from dataclasses import replace
from datetime import date
from io import BytesIO

import numpy as np
import polars as pl
import pytest

from basics.errors import InvalidInputError, MissingDataError
from market.panel import Panel
from models.contest import GateRules
from models.predictors import linear_from_native
from models.tail_forecast import TailSpec, tail_contenders, tail_forecasts, tail_multipliers
from services.comparison import Comparison
from services.tail_training import TailTraining
from tests.fakes.model_registry import MemoryRegistry

SPEC = TailSpec(first_test_year=2009, window=250, rules=GateRules(bootstrap_resamples=200))


def _panel(simulated: frozenset[str] = frozenset()) -> Panel:
    """Three series whose variance follows a GARCH(1,1)."""
    rng = np.random.default_rng(8)
    sessions = np.arange("2005-01-01", "2013-01-01", dtype="datetime64[D]")
    returns = np.empty((3, len(sessions)))
    variance = np.full(3, 1e-4)
    for t in range(len(sessions)):
        returns[:, t] = np.sqrt(variance) * rng.normal(size=3)
        variance = 4e-6 + 0.15 * returns[:, t] ** 2 + 0.81 * variance
    close = 100 * np.exp(np.cumsum(returns, axis=1))
    return Panel(("A", "B", "C"), sessions, {"close": close}, simulated)


@pytest.fixture(scope="module")
def registry() -> MemoryRegistry:
    registry = MemoryRegistry()
    TailTraining(registry, code_version="c").train(_panel(), data_version="d", spec=SPEC)
    return registry


def test_multipliers_of_normal_losses_have_their_closed_form() -> None:
    rng = np.random.default_rng(1)
    returns = 0.01 * rng.normal(size=(4, 50_000))
    volatility = np.full_like(returns, 0.01)

    quantile, mean = tail_multipliers(returns, volatility, stop=50_000, confidence=0.975)

    # Normal: 1.95996, and phi(1.95996) / 0.025 = 2.33780.
    assert quantile == pytest.approx(1.95996, abs=0.02)
    assert mean == pytest.approx(2.33780, abs=0.02)


def test_filtered_simulation_beats_plain_history_where_volatility_clusters(
    registry: MemoryRegistry,
) -> None:
    result = TailTraining(registry, code_version="c").train(_panel(), data_version="d", spec=SPEC)

    assert result.reused
    assert result.verdict.promoted, result.verdict.summary
    assert result.champion.estimator == "gjr_filtered"
    assert result.metrics["gjr_filtered"]["exceedance_rate"] == pytest.approx(0.025, abs=0.006)
    assert [b.series for b in result.document.backtests] == ["A", "B", "C"]
    assert min(b.kupiec_p_value for b in result.document.backtests) > 0.01
    assert result.document.shortfall_multiplier > result.document.value_at_risk_multiplier


def test_newer_closes_renew_the_method_that_reigns() -> None:
    renewed = MemoryRegistry()
    training = TailTraining(renewed, code_version="c")
    first = training.train(_panel().until(np.datetime64("2012-10-01")), data_version="d", spec=SPEC)
    second = training.train(_panel(), data_version="e", spec=SPEC)

    rules = {rule.name: rule for rule in second.verdict.rules}
    assert first.verdict.promoted
    assert second.verdict.promoted, second.verdict.summary
    assert second.champion.version == second.version.version
    assert first.version.label in rules["keeps up with the version it renews"].detail
    assert rules["beats the champion"].detail.endswith("against historical on Fissler-Ziegel loss")


def test_another_method_must_beat_the_version_that_reigns() -> None:
    reign = MemoryRegistry()
    training = TailTraining(reign, code_version="c")
    first = training.train(_panel(), data_version="d", spec=SPEC)
    other = training.train(_panel(), data_version="d", spec=replace(SPEC, refit_years=4))

    rules = {rule.name: rule for rule in other.verdict.rules}
    assert rules["beats the baseline"].passed
    assert not rules["beats the champion"].passed
    assert first.version.label in rules["beats the champion"].detail
    assert other.champion.version == first.version.version


def test_another_confidence_is_no_rival_of_the_reign(registry: MemoryRegistry) -> None:
    with pytest.raises(InvalidInputError, match=r"reigns at 97\.5%: losses at 99\.0%"):
        TailTraining(registry, code_version="c").train(
            _panel(), data_version="d", spec=replace(SPEC, confidence=0.99)
        )


def test_the_served_model_scales_tomorrows_volatility(registry: MemoryRegistry) -> None:
    version = registry.resolve("risk", "champion")

    model = linear_from_native(registry.read(version, "model.json"))

    # Normal innovations: close to 1.96 times volatility.
    assert model.predict_row(np.array([0.01])) == pytest.approx(0.0196, rel=0.05)


def test_forecasts_know_nothing_of_tomorrow() -> None:
    panel = _panel()
    cut = 2200
    whole = tail_forecasts(panel, SPEC)
    early = tail_forecasts(panel.window(0, cut), SPEC)

    for name, forecast in early.items():
        assert np.array_equal(
            forecast.value_at_risk, whole[name].value_at_risk[:, :cut], equal_nan=True
        )


def test_simulated_closes_are_no_evidence() -> None:
    with pytest.raises(InvalidInputError, match="closes are simulated"):
        TailTraining(MemoryRegistry(), code_version="c").train(
            _panel(frozenset({"close"})), data_version="d", spec=SPEC
        )


def test_a_history_without_a_common_session_is_refused() -> None:
    panel = _panel()

    with pytest.raises(MissingDataError, match="no session has a forecast"):
        tail_contenders(tail_forecasts(panel, SPEC), panel, SPEC, until=10)


def test_a_risk_run_keeps_what_the_other_kinds_keep(registry: MemoryRegistry) -> None:
    run = next(run for run in registry.runs if run.estimator == "gjr_filtered")

    assert {
        "model/model.json",
        "model/manifest.json",
        "model/card.md",
        "model/MLmodel",
        "model/tail.json",
        "losses.parquet",
        "plots/loss_over_time.png",
        "plots/exceedances_by_year.png",
        "plots/coverage_by_year.png",
    } <= run.files.keys()
    months = dict(run.series["loss_by_month"])
    assert (
        min(months) == 39 * 12 + 8
    )  # September 2009, from the first session that all contenders know.
    table = pl.read_parquet(BytesIO(run.files["model/predictions.parquet"]))
    assert {"historical", "gjr_filtered", "gjr_filtered.shortfall"} <= set(table.columns)
    assert table["session"].min() >= date(2009, 1, 1)


def test_a_risk_version_is_compared_with_plain_history_on_the_same_rows(
    registry: MemoryRegistry,
) -> None:
    result = Comparison(registry, seed=1).compare("risk", "champion", 1)

    assert (result.first, result.second) == ("risk v2 gjr_filtered", "risk v1 historical")
    better = {m.name: m.first_is_better for m in result.measured}
    assert better == {"Fissler-Ziegel loss": True, "quantile loss": True}
    assert result.rows == 3 * result.sessions
