"""A limit of every scope is held against a profile or a row of the night."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from market.panel import Panel
from risk.book import Holding
from risk.limits import Limit, LimitCheck, LimitState, Scope
from risk.nightly import NightBooks, measure_books
from services.night_books import night_market
from services.risk_inputs import History, RiskInputs
from services.risk_profile import compute_profile

RNG = np.random.default_rng(4)
SESSIONS = np.arange("2020-01-01", 500, dtype="datetime64[D]")
RETURNS = RNG.normal(scale=0.01, size=(3, 499))
CLOSE = 100.0 * np.cumprod(np.column_stack([np.ones(3), 1 + RETURNS]), axis=1)
SYMBOLS = ("AAA", "BBB", "CCC")
AS_OF: date = SESSIONS[-1].astype(date)
VALUES = {"AAA": 60_000.0, "BBB": 30_000.0, "CCC": -20_000.0}
INPUTS = RiskInputs(
    scope="core",
    as_of=AS_OF,
    holdings={s: Holding(v / CLOSE[i, -1], v) for i, (s, v) in enumerate(VALUES.items())},
    prices=Panel(SYMBOLS, SESSIONS, {"close": CLOSE}),
    equity=History(SESSIONS[-2:], np.array([100_000.0, 100_000.0])),
    sectors={"AAA": "tech", "BBB": "tech", "CCC": "energy"},
    fund="alpha",
    accounts={"prime": {"AAA": 60_000.0, "CCC": -20_000.0}, "second": {"BBB": 30_000.0}},
    factors={"size": History(SESSIONS[1:], RETURNS[1] - RETURNS[0])},
)


def limit(metric: str, scope: Scope, name: str, hard: float) -> Limit:
    return Limit(
        metric=metric, scope=scope, name=name, warn=hard / 2, soft=hard * 0.9, hard=hard, owner="r"
    )


def checks_of(*limits: Limit) -> tuple[LimitCheck, ...]:
    return compute_profile(INPUTS, limits=limits, scenarios=(), lookback=400).limits


@pytest.mark.parametrize(
    ("scope", "name", "metric", "value"),
    [
        (Scope.FUND, "alpha", "gross_leverage", 1.1),
        (Scope.FUND, "alpha", "net_leverage", 0.7),
        (Scope.PORTFOLIO, "core", "gross_leverage", 1.1),
        (Scope.ACCOUNT, "prime", "gross_leverage", 0.8),
        (Scope.ACCOUNT, "prime", "net_leverage", 0.4),
        (Scope.ACCOUNT, "second", "largest_position", 0.3),
        (Scope.SYMBOL, "AAA", "weight", 0.6),
        (Scope.SECTOR, "tech", "weight", 0.9),
    ],
)
def test_a_limit_of_each_scope_is_held_against_the_profile(
    scope: Scope, name: str, metric: str, value: float
) -> None:
    (found,) = checks_of(limit(metric, scope, name, abs(value) * 0.99))
    assert (found.scope, found.name) == (scope.value, name)
    assert found.value == pytest.approx(value)
    assert found.state is LimitState.HARD
    (kept,) = checks_of(limit(metric, scope, name, abs(value) * 3))
    assert kept.state is LimitState.OK


def test_factor_limits_bind_the_market_and_each_style() -> None:
    found = checks_of(
        limit("exposure", Scope.FACTOR, "market", 0.01),
        limit("exposure", Scope.FACTOR, "size", 0.01),
    )
    profile = compute_profile(
        INPUTS, limits=[limit("beta", Scope.PORTFOLIO, "*", 9.0)], scenarios=(), lookback=400
    )
    by_name = {check.name: check.value for check in found}
    assert by_name["market"] == pytest.approx(profile.measures.beta)
    (size,) = [g for g in profile.decomposition if (g.by, g.name) == ("factor", "size")]
    assert by_name["size"] == pytest.approx(size.exposure / 100_000.0)


def test_tail_risk_of_an_account_is_that_of_its_own_positions() -> None:
    (found,) = checks_of(limit("value_at_risk_99", Scope.ACCOUNT, "second", 0.001))
    alone = replace(INPUTS, holdings={"BBB": INPUTS.holdings["BBB"]}, accounts={}, fund=None)
    (tail,) = [
        t for t in compute_profile(alone, limits=(), scenarios=(), lookback=400).tails
        if (t.method, t.confidence, t.horizon_days) == ("historical", 0.99, 1)
    ]  # fmt: skip
    assert found.value == pytest.approx(tail.var_fraction)


def test_a_strategys_own_book_is_held_against_its_limits_by_the_night() -> None:
    books = NightBooks(
        names=("core", "core/momentum"),
        exposures=np.array([list(VALUES.values()), [60_000.0, 0.0, 0.0]]),
        equity=np.array([100_000.0, 40_000.0]),
        drawdown=np.zeros(2),
        strategies=(None, "momentum"),
    )
    rows, failures = measure_books(
        books,
        night_market(INPUTS, lookback=400),
        limits=[
            limit("gross_leverage", Scope.STRATEGY, "*", 1.4),
            limit("largest_position", Scope.STRATEGY, "momentum", 1.2),
        ],
        scenarios=(),
        as_of=AS_OF,
        window=250,
    )
    assert not failures
    of = {row.name: row for row in rows}
    # 60,000 of 40,000 own equity: the portfolio's 1.1 is no strategy's.
    assert of["core"].breached == ()
    assert of["core/momentum"].breached == (
        "largest_position of momentum",
        "gross_leverage of momentum",
    )
    assert of["core/momentum"].limit_state == "hard"
