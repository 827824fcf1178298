"""Tests of factor shocks: what is told moves as told, the rest as expected, the book by betas."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from basics.errors import InvalidInputError
from infra.policy import load_stress
from market.panel import Panel
from risk.book import Holding, align_book
from risk.shocks import MarketState, Shock
from risk.stress import Basis, StressScenario, losses_by_factor
from services.night_books import night_scenarios
from services.night_market import night_market_of
from services.risk_factors import factor_betas, factor_moves
from services.risk_inputs import History, RiskInputs
from services.risk_profile import compute_profile

N = 400
SESSIONS = np.arange("2021-01-01", N + 1, dtype="datetime64[D]")
RNG = np.random.default_rng(4)
# Value moves by half of momentum, with the other sign, and a noise of its own.
MOMENTUM = RNG.normal(scale=0.01, size=N)
VALUE = -0.5 * MOMENTUM + RNG.normal(scale=0.004, size=N)
FACTORS = {"momentum": MOMENTUM, "value": VALUE}
# Exact loadings: AAA 1.5 and 0, BBB 0 and 2.
RETURNS = np.stack([1.5 * MOMENTUM, 2.0 * VALUE])
PRICES = Panel(
    ("AAA", "BBB"),
    SESSIONS,
    {"close": 100 * np.cumprod(np.hstack([np.ones((2, 1)), 1 + RETURNS]), axis=1)},
)
UNWIND = StressScenario(
    name="unwind", title="Unwind", description="d", basis=Basis.REVALUATION,
    factors={"momentum": -0.10},
)  # fmt: skip

WINDOW = StressScenario(
    name="window", title="Window", description="d", basis=Basis.REVALUATION,
    window=(date(2021, 3, 1), date(2021, 4, 1)),
)  # fmt: skip
STATE = MarketState(
    symbols=(), moves=np.zeros(0), volatilities=np.zeros(0), correlation=np.zeros((0, 0)),
    market_betas=np.zeros(0), rate_betas=np.zeros(0), half_spreads=np.zeros(0),
    daily_notional=np.zeros(0),
)  # fmt: skip


def inputs(**changes) -> RiskInputs:
    last = PRICES["close"][:, -1]
    given = {
        "scope": "core",
        "as_of": SESSIONS[-1].item(),
        "holdings": {
            "AAA": Holding(20_000 / last[0], 20_000.0),
            "BBB": Holding(-10_000 / last[1], -10_000.0),
        },
        "prices": PRICES,
        "equity": History(SESSIONS[-2:], np.full(2, 100_000.0)),
        "sectors": {},
        "factors": {name: History(SESSIONS[1:], values) for name, values in FACTORS.items()},
    }
    return RiskInputs(**(given | changes))


def test_each_symbol_is_regressed_on_all_factors_together() -> None:
    given = inputs()
    book = align_book(given.holdings, PRICES, lookback=N)
    betas = factor_betas(given.factors, book)
    np.testing.assert_allclose(betas["momentum"], [1.5, 0.0], atol=1e-9)
    np.testing.assert_allclose(betas["value"], [0.0, 2.0], atol=1e-9)


def test_the_rest_moves_as_expected_and_the_loss_is_told_by_position_and_factor() -> None:
    (found,) = compute_profile(inputs(), limits=(), scenarios=[UNWIND], lookback=N).stresses
    _, moves = factor_moves(inputs().factors, SESSIONS[1:])
    covariance = np.cov(moves)
    expected_value = covariance[1, 0] / covariance[0, 0] * -0.10  # About +5%.

    aaa, bbb = 20_000 * 1.5 * 0.10, 10_000 * 2.0 * expected_value
    assert expected_value == pytest.approx(0.05, abs=0.01)
    assert found.contributions == pytest.approx({"AAA": aaa, "BBB": bbb})
    assert found.by_factor == pytest.approx({"momentum": aaa, "value": bbb})
    assert found.loss == pytest.approx(aaa + bbb)
    assert (found.found, found.limited) == (True, False)
    assert f"Given momentum -10.0%, expected of the rest: value {expected_value:+.1%}" in found.note


def test_the_night_and_the_live_desk_move_the_same_factors() -> None:
    (night,) = night_scenarios(inputs(), [UNWIND], lookback=N)
    live = night_market_of(inputs(), [UNWIND], lookback=N)
    (ready,) = live.scenarios
    assert night.shock == ready.shock
    assert set(night.shock.factor_returns) == {"momentum", "value"}
    assert "Given momentum" in live.notes["unwind"]


def test_a_factor_without_history_leaves_the_scenario_out_never_at_zero() -> None:
    assert (
        compute_profile(inputs(factors={}), limits=(), scenarios=[UNWIND], lookback=N).stresses
        == ()
    )
    assert night_scenarios(inputs(factors={}), [UNWIND], lookback=N) == ()


def test_every_loss_is_split_by_what_moved() -> None:
    scenarios = load_stress(Path("policy"))
    whole = compute_profile(
        inputs(daily_notional={"AAA": 1e6, "BBB": 1e6}), limits=(), scenarios=scenarios, lookback=N
    ).stresses
    assert {"market_crash", "liquidity_crisis", "factor_momentum_unwind"} <= {s.name for s in whole}
    for result in whole:
        assert sum(result.by_factor.values()) == pytest.approx(result.loss), result.name
    by_name = {result.name: result.by_factor for result in whole}
    assert set(by_name["market_crash"]) == {"market by beta"}
    assert set(by_name["liquidity_crisis"]) == {"market by beta", "sale"}
    assert set(by_name["volatility_spike"]) == {"stressed tail"}


def test_a_replayed_window_is_split_into_the_factors_that_explain_it() -> None:
    rng = np.random.default_rng(2)
    loadings = rng.normal(size=(2, 9))
    state = replace(
        STATE,
        symbols=tuple("ABCDEFGHI"),
        market_betas=np.ones(9),
        rate_betas=np.zeros(9),
        factor_betas={"momentum": loadings[0], "value": loadings[1]},
    )
    # What factors cannot say: a move at right angles to both.
    alone = rng.normal(size=9)
    alone -= loadings.T @ np.linalg.lstsq(loadings.T, alone, rcond=None)[0]
    moved = -0.2 * loadings[0] + 0.1 * loadings[1] + 0.01 * alone
    shock = Shock(symbol_returns=dict(zip(state.symbols, moved.tolist(), strict=True)))
    held = np.arange(1.0, 10.0)

    parts = losses_by_factor(replace(WINDOW, shock=shock), state, held, -float(held @ moved))

    assert parts == pytest.approx(
        {
            "momentum": 0.2 * float(held @ loadings[0]),
            "value": -0.1 * float(held @ loadings[1]),
            "single names": -0.01 * float(held @ alone),
        }
    )


@pytest.mark.parametrize(("symbols", "explained"), [(2, set()), (4, {"market by beta"})])
def test_too_few_symbols_are_not_said_to_follow_factors(symbols: int, explained: set[str]) -> None:
    names = tuple("ABCD"[:symbols])
    betas = np.array([0.5, 1.0, 1.5, 0.8])[:symbols]
    state = replace(
        STATE, symbols=names, market_betas=betas, rate_betas=np.zeros(symbols),
        factor_betas={"momentum": betas**2, "value": betas**3},
    )  # fmt: skip
    shock = Shock(symbol_returns=dict(zip(names, [-0.1, -0.3, -0.2, -0.25], strict=False)))
    held = np.ones(symbols)
    loss = -sum(shock.symbol_returns.values())

    parts = losses_by_factor(replace(WINDOW, shock=shock), state, held, loss)

    assert set(parts) == {"single names", *explained}
    assert sum(parts.values()) == pytest.approx(loss)


def test_a_scenario_of_two_kinds_is_refused_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "stress"
    folder.mkdir()
    (folder / "two.toml").write_text(
        'title = "t"\ndescription = "d"\nbasis = "revaluation"\n'
        "[factors]\nmomentum = -0.1\n[reverse]\nloss_fraction = 0.1\n"
    )
    with pytest.raises(InvalidInputError, match=r"\[factors\] is needed, got .*'reverse'"):
        load_stress(tmp_path)
