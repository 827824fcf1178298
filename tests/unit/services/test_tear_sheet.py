"""Tests of `services.tear_sheet`."""

from dataclasses import replace

import numpy as np
import pytest

from basics.errors import MissingDataError
from measures.drawdown import max_drawdown
from measures.performance import sharpe_ratio, volatility
from measures.performance_relative import beta
from services.pnl_performance import Performance
from services.tear_sheet import TearSheet, tear_sheet
from tests.day_sample import sample_report


@pytest.fixture(scope="module")
def performance() -> Performance:
    return sample_report(n_sessions=300).performance


def made(performance: Performance, *, window: int = 126) -> TearSheet:
    return tear_sheet("EQUITY", performance, (), window=window)


def test_a_rolling_figure_is_that_of_the_sessions_that_end_there(performance: Performance) -> None:
    sheet = made(performance)
    returns = np.array(performance.returns)

    assert sheet.rolling_sharpe[:125] == (None,) * 125
    assert sheet.rolling_sharpe[200] == pytest.approx(float(sharpe_ratio(returns[75:201])))
    assert sheet.rolling_volatility[-1] == pytest.approx(float(volatility(returns[-126:])))
    assert sheet.rolling_drawdown[-1] == pytest.approx(float(max_drawdown(returns[-126:])))
    assert sheet.rolling_drawdown[:125] == (None,) * 125


def test_the_benchmarks_returns_come_from_its_equity(performance: Performance) -> None:
    path = np.array([float(performance.initial_capital), *performance.benchmark_equity])
    returns = path[1:] / path[:-1] - 1.0

    sheet, own = made(performance), np.array(performance.returns)
    assert sheet.benchmark_volatility[-1] == pytest.approx(float(volatility(returns[-126:])))
    assert sheet.benchmark_sharpe[-1] == pytest.approx(float(sharpe_ratio(returns[-126:])))
    assert sheet.benchmark_drawdown[-1] == pytest.approx(float(max_drawdown(returns[-126:])))
    assert sheet.rolling_beta[-1] == pytest.approx(float(beta(own[-126:], returns[-126:])))


def test_without_a_benchmark_there_is_no_beta(performance: Performance) -> None:
    sheet = made(replace(performance, benchmark_equity=(), benchmark_drawdown=()))

    assert (sheet.rolling_beta, sheet.benchmark_sharpe, sheet.benchmark_drawdown) == ((), (), ())


def test_every_return_is_counted_once(performance: Performance) -> None:
    histogram = made(performance).histogram

    assert sum(histogram.counts) == len(performance.returns)
    assert len(histogram.edges) == len(histogram.counts) + 1
    assert histogram.edges[0] == min(performance.returns)
    assert histogram.edges[-1] == max(performance.returns)


def test_the_same_record_gives_the_same_sheet(performance: Performance) -> None:
    assert made(performance) == made(performance)


def test_a_record_shorter_than_the_window_has_no_rolling_figures(performance: Performance) -> None:
    assert set(made(performance, window=301).rolling_sharpe) == {None}


def test_a_portfolio_without_a_benchmark_has_no_line_for_it(performance: Performance) -> None:
    assert made(replace(performance, benchmark_equity=())).benchmark_volatility == ()


def test_one_return_is_no_record(performance: Performance) -> None:
    with pytest.raises(MissingDataError, match="EQUITY has 1 returns: a tear sheet needs two"):
        made(replace(performance, returns=(0.01,)))
