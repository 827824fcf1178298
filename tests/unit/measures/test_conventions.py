"""`docs/conventions.md` says what the code does: each row is held against its function.

A measure without a row, a row without a measure, another formula, annualisation or ddof: each is
a failure here.
"""

import importlib
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from measures import tail, volatility
from measures.performance_all import every_measure
from measures.tail import QuantileRule

PAGE = Path(__file__).parents[3] / "docs" / "conventions.md"
# Public functions that serve measures and are none: checks, and whole forms of many measures.
HELPERS = {
    "checked_returns", "ratio", "constant", "drawdown_rank", "paired_returns", "tail_measures",
}  # fmt: skip
MODULES = {
    "performance", "performance_selection", "performance_tail", "drawdown", "performance_wins",
    "performance_relative", "performance_flows", "performance_rolling",
}  # fmt: skip
FLOWS, ROLLING, RELATIVE = "performance_flows", "performance_rolling", "performance_relative"
WINDOW = 10


@dataclass(frozen=True)
class Row:
    module: str
    measure: str
    formula: str
    source: str
    annualised: str
    ddof: str

    @property
    def function(self) -> Callable[..., Any]:
        found = getattr(importlib.import_module(f"measures.{self.module}"), self.measure)
        assert callable(found)
        return found  # type: ignore[no-any-return]


def documented() -> list[Row]:
    rows, module = [], None
    for line in PAGE.read_text().splitlines():
        if line.startswith("#"):
            found = re.match(r"### .*\(`measures\.(\w+)`\)", line)
            module = found[1] if found else None
        elif module and line.startswith("| ") and not line.startswith("| measure "):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            rows.append(Row(module, *cells[:5]))
    return rows


ROWS = documented()
BY_NAME = {row.measure: row for row in ROWS}

rng = np.random.default_rng(12)
B = rng.normal(0.002, 0.02, 60)
R = 0.7 * B + rng.normal(0.001, 0.01, 60)
R[7] = 0.0
P = 12.0


def path(r: np.ndarray) -> np.ndarray:
    wealth = np.cumprod(1 + r)
    return 1 - wealth / np.maximum(np.maximum.accumulate(wealth), 1)


def spells(r: np.ndarray) -> list[float]:
    depths = [0.0]
    for below in path(r):
        if below > 0:
            depths[-1] = max(depths[-1], below)
        elif depths[-1] > 0:
            depths.append(0.0)
    return sorted((d for d in depths if d > 0), reverse=True)[:5]


def moment(r: np.ndarray, k: int) -> float:
    return float(np.mean((r - r.mean()) ** k))


def growth(r: np.ndarray, years: float = len(R) / P) -> float:
    return float(np.prod(1 + r) ** (1 / years) - 1)


def probability(r: np.ndarray, luck: float = 0.0) -> float:
    sr, skew, kurt = r.mean() / r.std(ddof=1), FORMULAS["skewness"](r), FORMULAS["kurtosis"](r)
    spread = np.sqrt(1 - skew * sr + (kurt - 1) / 4 * sr**2)
    return float(stats.norm.cdf((sr - luck) * np.sqrt(len(r) - 1) / spread))


def luck_of(n: int, trials: int) -> float:
    far = stats.norm.ppf(1 - 1 / (trials * np.e))
    g = 0.5772156649015329
    return float(np.sqrt(1 / (n - 1)) * ((1 - g) * stats.norm.ppf(1 - 1 / trials) + g * far))


def sharpe(r: np.ndarray) -> float:
    return float(r.mean() / r.std(ddof=1))


def bent(r: np.ndarray) -> float:
    skew, kurt, sr = FORMULAS["skewness"](r), FORMULAS["kurtosis"](r), sharpe(r)
    return sr * (1 + skew * sr / 6 - (kurt - 3) * sr**2 / 24) * P**0.5


def line(r: np.ndarray) -> float:
    return float(np.corrcoef(np.cumsum(np.log1p(r)), np.arange(len(r)))[0, 1] ** 2)


def shortfall(r: np.ndarray, k: int) -> float:
    return float(np.mean(np.maximum(-r, 0) ** k) ** (1 / k))


def slope(r: np.ndarray, b: np.ndarray) -> float:
    return float(np.polyfit(b, r, 1)[0])


def residual(r: np.ndarray, b: np.ndarray) -> float:
    left = r - np.polyval(np.polyfit(b, r, 1), b)
    return float(np.sqrt(left @ left / (len(r) - 2)))


def captured(r: np.ndarray, b: np.ndarray, chosen: np.ndarray) -> float:
    return float(
        stats.gmean(1 + r[chosen]) - 1) / float(stats.gmean(1 + b[chosen]) - 1
    )  # fmt: skip


def streak(r: np.ndarray) -> int:
    return max(len(run) for run in "".join("l" if x < 0 else "." for x in r).split("."))


# Each formula of the page once more, written from the page and not from the code.
FORMULAS: Mapping[str, Callable[..., Any]] = {
    "total_return": lambda r: np.prod(1 + r) - 1,
    "cagr": growth,
    "geometric_mean": lambda r: stats.gmean(1 + r) - 1,
    "mean_return": lambda r: r.mean() * P,
    "best_return": max,
    "worst_return": min,
    "volatility": lambda r: r.std(ddof=1) * P**0.5,
    "downside_deviation": lambda r: shortfall(r, 2) * P**0.5,
    "upside_deviation": lambda r: shortfall(-r, 2) * P**0.5,
    "skewness": lambda r: moment(r, 3) / moment(r, 2) ** 1.5,
    "kurtosis": lambda r: moment(r, 4) / moment(r, 2) ** 2,
    "sharpe_ratio": lambda r: sharpe(r) * P**0.5,
    "adjusted_sharpe_ratio": bent,
    "sortino_ratio": lambda r: r.mean() * P / (shortfall(r, 2) * P**0.5),
    "omega_ratio": lambda r: r[r > 0].sum() / -r[r < 0].sum(),
    "kappa_ratio": lambda r: r.mean() / shortfall(r, 3) * P ** (2 / 3),
    "upside_potential_ratio": lambda r: np.maximum(r, 0).mean() / shortfall(r, 2),
    "stability": line,
    "probabilistic_sharpe_ratio": probability,
    "deflated_sharpe_ratio": lambda r: probability(r, luck_of(len(r), 40)),
    "value_at_risk": lambda r: -np.quantile(r, 0.05),
    "expected_shortfall": lambda r: -np.sort(r)[: int((len(r) - 1) * 0.05) + 1].mean(),
    "tail_ratio": lambda r: abs(np.quantile(r, 0.95)) / abs(np.quantile(r, 0.05)),
    "drawdown_series": path,
    "max_drawdown": lambda r: path(r).max(),
    "current_drawdown": lambda r: path(r)[-1],
    "average_drawdown": lambda r: path(r).mean(),
    "ulcer_index": lambda r: np.sqrt(np.mean(path(r) ** 2)),
    "drawdown_at_risk": lambda r: np.quantile(path(r), 0.95, method="inverted_cdf"),
    "conditional_drawdown_at_risk": lambda r: np.sort(path(r))[56:].mean(),
    "time_under_water": lambda r: np.mean(path(r) > 0),
    "calmar_ratio": lambda r: growth(r) / path(r).max(),
    "pain_ratio": lambda r: growth(r) / path(r).mean(),
    "martin_ratio": lambda r: growth(r) / np.sqrt(np.mean(path(r) ** 2)),
    "burke_ratio": lambda r: growth(r) / np.sqrt(sum(d * d for d in spells(r))),
    "sterling_ratio": lambda r: growth(r) / np.mean(spells(r)),
    "hit_rate": lambda r: (r > 0).sum() / ((r > 0).sum() + (r < 0).sum()),
    "average_win": lambda r: r[r > 0].mean(),
    "average_loss": lambda r: -r[r < 0].mean(),
    "payoff_ratio": lambda r: r[r > 0].mean() / -r[r < 0].mean(),
    "profit_factor": lambda r: r[r > 0].sum() / -r[r < 0].sum(),
    "gain_to_pain_ratio": lambda r: r.sum() / -r[r < 0].sum(),
    "expectancy": lambda r: r.sum() / (r != 0).sum(),
    "kelly_fraction": lambda r: (
        (hit := (r > 0).sum() / (r != 0).sum()) - (1 - hit) / (r[r > 0].mean() / -r[r < 0].mean())
    ),
    "longest_losing_streak": streak,
    "beta": slope,
    "alpha": lambda r, b: np.polyfit(b, r, 1)[1] * P,
    "correlation": lambda r, b: np.corrcoef(r, b)[0, 1],
    "r_squared": lambda r, b: np.corrcoef(r, b)[0, 1] ** 2,
    "treynor_ratio": lambda r, b: r.mean() * P / slope(r, b),
    "active_return": lambda r, b: (r - b).mean() * P,
    "tracking_error": lambda r, b: (r - b).std(ddof=1) * P**0.5,
    "information_ratio": lambda r, b: sharpe(r - b) * P**0.5,
    "appraisal_ratio": lambda r, b: np.polyfit(b, r, 1)[1] / residual(r, b) * P**0.5,
    "m_squared": lambda r, b: sharpe(r) * b.std(ddof=1) * P,
    "up_capture": lambda r, b: captured(r, b, b > 0),
    "down_capture": lambda r, b: captured(r, b, b < 0),
    "capture_ratio": lambda r, b: captured(r, b, b > 0) / captured(r, b, b < 0),
    "batting_average": lambda r, b: np.mean(r > b),
    "rolling_mean_return": lambda r: FORMULAS["mean_return"](r[-WINDOW:]),
    "rolling_volatility": lambda r: FORMULAS["volatility"](r[-WINDOW:]),
    "rolling_sharpe_ratio": lambda r: FORMULAS["sharpe_ratio"](r[-WINDOW:]),
    "rolling_sortino_ratio": lambda r: FORMULAS["sortino_ratio"](r[-WINDOW:]),
    "rolling_beta": lambda r, b: slope(r[-WINDOW:], b[-WINDOW:]),
    "rolling_max_drawdown": lambda r: path(r[-WINDOW:]).max(),
}
# Tables, and formulas of money: by hand in the tests of their own modules.
BY_HAND = {"drawdown_table", *(row.measure for row in ROWS if row.module == FLOWS)}
MEASURED = [row for row in ROWS if row.measure not in BY_HAND]


def asked(row: Row, periods: float = P, *, times: int = 1) -> Any:
    """Return what the function answers on the sample, repeated `times` over."""
    function, last = row.function, WINDOW if row.module == ROLLING else len(R)
    r, b = np.tile(R[-last:], times), np.tile(B[-last:], times)
    known = inspect.signature(function).parameters
    terms: dict[str, Any] = {"trials": 40} if "trials" in known else {}
    if "periods_per_year" in known:
        terms["periods_per_year"] = periods
    if row.module == ROLLING:
        terms["window"] = WINDOW * times
    found = (
        function(r, b, **terms) if "benchmark" in known and beside(row) else function(r, **terms)
    )
    return found[-1] if row.module == ROLLING else found


def beside(row: Row) -> bool:
    return row.module == RELATIVE or row.measure == "rolling_beta"


def test_every_public_measure_has_one_row_and_every_row_a_measure() -> None:
    assert {row.module for row in ROWS} == MODULES
    for name in sorted(MODULES):
        module = importlib.import_module(f"measures.{name}")
        public = {
            function.__name__
            for function in vars(module).values()
            if inspect.isfunction(function) and function.__module__ == module.__name__
            and not function.__name__.startswith("_")
        }  # fmt: skip
        listed = [row.measure for row in ROWS if row.module == name]
        assert sorted(listed) == sorted(public - HELPERS), name


def test_no_cell_that_must_say_something_is_empty() -> None:
    for row in ROWS:
        assert row.formula, row.measure
        assert row.source, row.measure
        assert row.ddof in {"-", "0", "1", "2", "cancels", "SR 1, moments 0"}, row.measure


def test_more_than_forty_measures_take_one_series_or_many_and_have_a_fused_form() -> None:
    many, market = np.stack([R, R[::-1], B]), B
    fused = every_measure(many, market, periods_per_year=P)

    of_series = [
        row for row in MEASURED if row.module != ROLLING and row.measure != "drawdown_series"
    ]
    for row in of_series:
        function = row.function
        known = inspect.signature(function).parameters
        terms: dict[str, Any] = {"periods_per_year": P} if "periods_per_year" in known else {}
        terms |= {"trials": 40} if "trials" in known else {}
        others = [market] if beside(row) else []
        together = function(many, *others, **terms)
        each = [function(series, *others, **terms) for series in many]
        assert np.shape(together) == (3,), row.measure
        np.testing.assert_allclose(together, each, rtol=1e-9, err_msg=row.measure)
        if row.measure != "deflated_sharpe_ratio":  # It asks for more than returns.
            name = {"average_drawdown": "pain_index"}.get(row.measure, row.measure)
            np.testing.assert_allclose(fused[name], together, rtol=1e-9, atol=1e-14, err_msg=name)
    assert len(of_series) >= 40
    assert len(fused) == len(of_series) - 1


def test_every_row_has_its_formula_here() -> None:
    assert set(FORMULAS) == {row.measure for row in MEASURED}


@pytest.mark.parametrize("row", MEASURED, ids=lambda row: row.measure)
def test_a_measure_is_its_formula(row: Row) -> None:
    expected = FORMULAS[row.measure](R, B) if beside(row) else FORMULAS[row.measure](R)

    np.testing.assert_allclose(asked(row), expected, rtol=1e-9, atol=1e-14)


FACTORS: Mapping[str, float] = {"x P": 4.0, "x sqrt(P)": 2.0, "x P^(2/3)": 4.0 ** (2 / 3)}


@pytest.mark.parametrize("row", MEASURED, ids=lambda row: row.measure)
def test_a_measure_is_annualised_as_its_row_says(row: Row) -> None:
    known = "periods_per_year" in inspect.signature(row.function).parameters
    assert known == (row.annualised != "no")
    if not known:
        return
    once, four = float(asked(row, 1.0)), float(asked(row, 4.0))
    if row.annualised == "compounding":
        growth_of_one = float(BY_NAME["cagr"].function(R, periods_per_year=1.0))
        assert four / once == pytest.approx(((1 + growth_of_one) ** 4 - 1) / growth_of_one)
    else:
        assert four / once == pytest.approx(FACTORS[row.annualised])


def test_yearly_rates_of_flows_are_annualised_as_their_rows_say() -> None:
    turnover, rate = BY_NAME["turnover"], BY_NAME["internal_rate_of_return"]
    assert (turnover.annualised, rate.annualised) == ("x P", "compounding")

    once, four = (
        turnover.function([3.0, 1.0], [10.0, 10.0], periods_per_year=p) for p in (1.0, 4.0)
    )
    assert four / once == pytest.approx(4.0)
    half_a_year = [date(2021, 1, 1), date(2021, 7, 2)]
    assert rate.function(half_a_year, [-100, 110]) == pytest.approx(1.1 ** (365 / 182) - 1)


# Path, spells and tail change when the sample is repeated; their ddof shows in the formula alone.
REPEATED = [
    row for row in MEASURED
    if row.module in {"performance", RELATIVE, ROLLING} and row.ddof in {"0", "1", "2", "cancels"}
]  # fmt: skip


@pytest.mark.parametrize("row", REPEATED, ids=lambda row: row.measure)
def test_a_measure_has_the_ddof_of_its_row(row: Row) -> None:
    """Repeating a sample leaves moments with ddof 0; those with ddof d shrink by a known factor."""
    once, twice = float(asked(row)), float(asked(row, times=2))
    n = WINDOW if row.module == ROLLING else len(R)
    d = int(row.ddof) if row.ddof.isdigit() else 0
    shrunk = np.sqrt((n - d) / n * 2 * n / (2 * n - d))
    if d == 0:
        assert twice == pytest.approx(once, rel=1e-9)
    else:  # The deviation itself, or what is divided by it.
        assert min(abs(twice / once - shrunk), abs(once / twice - shrunk)) < 1e-9


@pytest.mark.parametrize("name", ["adjusted_sharpe_ratio", "probabilistic_sharpe_ratio"])
def test_a_sharpe_ratio_with_ddof_one_stands_beside_moments_with_ddof_zero(name: str) -> None:
    row = BY_NAME[name]
    assert row.ddof == "SR 1, moments 0"
    # The formulas above take them so; with ddof 0 throughout the answer would be another.
    assert R.mean() / R.std(ddof=0) != pytest.approx(sharpe(R), rel=1e-3)
    np.testing.assert_allclose(asked(row), FORMULAS[name](R), rtol=1e-12)


def test_the_rules_of_quantiles_in_the_risk_table_are_those_of_the_code() -> None:
    pnl = rng.normal(0.0, 1.0, 250)  # The worst 2.5%: six scenarios and a quarter.
    losses = -np.sort(pnl)

    found = {rule: tail.tail_risk(pnl, confidence=0.975, rule=rule) for rule in QuantileRule}

    booked = found[QuantileRule.ACERBI_TASCHE]
    assert booked.value_at_risk == losses[6]  # ceil(6.25) = the seventh worst.
    assert booked.expected_shortfall == pytest.approx((losses[:6].sum() + 0.25 * losses[6]) / 6.25)
    assert found[QuantileRule.INVERTED_CDF].expected_shortfall == pytest.approx(losses[:7].mean())
    linear = found[QuantileRule.LINEAR]
    assert linear.value_at_risk == pytest.approx(-np.quantile(pnl, 0.025))
    assert linear.expected_shortfall == pytest.approx(losses[:7].mean())
    assert tail.tail_risk(pnl, confidence=0.975) == booked


def test_moving_variances_start_where_the_risk_table_says() -> None:
    series = rng.normal(0.0, 0.01, (1, 300))
    square = float((series**2).mean())

    ewma, fitted = volatility.ewma_variance(series), volatility.garch(series)

    assert ewma[0, 0] == pytest.approx(square)
    assert ewma[0, 1] == pytest.approx(0.94 * square + 0.06 * series[0, 0] ** 2)
    assert fitted.variance[0, 0] == pytest.approx(square)
    a, b = float(fitted.alpha[0]), float(fitted.beta[0])
    assert fitted.variance[0, 1] == pytest.approx(
        square * (1 - a - b) + a * series[0, 0] ** 2 + b * square
    )
