"""The risk profile of a book of every kind of instrument: sums, evidence, stress, bad input."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from basics.errors import InvalidInputError
from basics.instruments import Instrument, InstrumentKind
from infra.isolation import PROJECT_ROOT
from infra.policy import load_limits, load_multi_asset_stress, load_stress
from market.multi_asset import MarketMoves
from measures.tail import tail_risk
from risk.limits import Limit, Scope
from risk.profile import RiskProfile
from risk.revaluation import HeldInstrument
from risk.stress import Basis, StressScenario
from risk.stress_factors import TOGETHER
from services.multi_asset_risk import multi_asset_profile
from services.multi_asset_valuation import MultiAssetInputs, value_book
from services.risk_inputs import History
from tests.small_multi_asset import small_multi_asset_market

DAY = date(2022, 12, 28)
MARKET = small_multi_asset_market(np.random.default_rng(1), as_of=DAY, n_days=400)
BY_SYMBOL = {i.symbol: i for i in MARKET.instruments}
SESSIONS = np.datetime64(DAY) - np.arange(400)[::-1]
POLICY = PROJECT_ROOT / "policy"
LIMITS = load_limits(POLICY)
SCENARIOS = (*load_stress(POLICY), *load_multi_asset_stress(POLICY))


def held(*symbols: str) -> list[HeldInstrument]:
    return [HeldInstrument(BY_SYMBOL[s], MARKET.quantities[s]) for s in symbols or BY_SYMBOL]


def inputs(
    positions: Mapping[str, Sequence[HeldInstrument]] | None = None, **changes: Any
) -> MultiAssetInputs:
    fields: dict[str, Any] = {
        "scope": "multi-asset",
        "held": positions if positions is not None else {"core": held()},
        "cash": {"core": {"EUR": 50_000.0, "USD": 400_000.0}},
        "snapshot": MARKET.snapshot,
        "moves": MARKET.history,
        "sessions": SESSIONS,
        "equity": History(SESSIONS[-3:], np.array([2.0e6, 2.1e6, 2.05e6])),
        "benchmark": MARKET.history.prices["SIM-ETF"],
        "pairs": {"SIM-EURUSD": "EUR"},
        "market": "simulated",
    }
    return MultiAssetInputs(**(fields | changes))


def profile(given: MultiAssetInputs) -> RiskProfile:
    return multi_asset_profile(
        given, limits=LIMITS, scenarios=SCENARIOS, lookback=1_000, rng=np.random.default_rng(3)
    )


WHOLE = profile(inputs({"core": held("SIM-EQ", "SIM-EUR-EQ", "SIM-BOND", "SIM-EUR-BOND"),
                        "overlay": held("SIM-ETF", "SIM-FUT", "SIM-EURUSD", "SIM-COIN",
                                        "SIM-CALL", "SIM-PUT")}))  # fmt: skip


def test_every_split_of_the_risk_sums_to_the_book() -> None:
    total = sum(row.component_var for row in WHOLE.positions)
    shortfall = sum(row.component_es for row in WHOLE.positions)

    assert {row.by for row in WHOLE.decomposition} == {"strategy", "sector", "currency", "factor"}
    for by in ("strategy", "sector", "currency", "factor"):
        rows = [row for row in WHOLE.decomposition if row.by == by]
        assert sum(row.component_var for row in rows) == pytest.approx(total)
        assert sum(row.component_es for row in rows) == pytest.approx(shortfall)
    assert sum(WHOLE.components_by_sector.values()) == pytest.approx(total)
    headline = next(t for t in WHOLE.tails if (t.method, t.confidence) == ("historical", 0.99))
    assert shortfall == pytest.approx(headline.expected_shortfall)


def test_cash_of_another_currency_is_at_risk_and_that_of_the_base_is_not() -> None:
    none = inputs({"core": []})
    alone = profile(none)
    loss = 55_000 * MARKET.history.fx["EUR"]  # 50,000 euros at 1.1.

    assert [row.symbol for row in alone.positions] == ["cash EUR"]
    found = next(t for t in alone.tails if (t.method, t.confidence) == ("historical", 0.99))
    assert found.value_at_risk == pytest.approx(tail_risk(loss, confidence=0.99).value_at_risk)
    assert alone.exposure.gross == 0.0
    assert alone.instruments.currencies[0].net_value == pytest.approx(55_000)


def test_several_methods_are_backtested_and_the_joint_one_revalues_the_book() -> None:
    methods = {tail.method for tail in WHOLE.tails}

    assert {"historical", "filtered_garch", "extreme_value", "joint_t_revalued"} <= methods
    assert {row.estimator for row in WHOLE.backtests} >= {"historical", "normal", "student_t"}
    assert "held constant: 200 sessions" in WHOLE.backtest_basis
    assert WHOLE.forecast is not None
    for confidence in (0.95, 0.975, 0.99):
        assert any(t.best for t in WHOLE.tails if t.confidence == confidence)


def test_stress_says_what_moved_by_price_tenor_currency_and_volatility() -> None:
    found = {stress.name: stress.by_factor for stress in WHOLE.stresses}

    assert set(found["volatility_double"]) == {"volatility"}
    rates = set(found["rates_up"]) - {TOGETHER}
    assert {"USD rates 5y", "EUR rates 5y"} <= rates
    assert all("rates" in name for name in rates)
    assert {"equity", "crypto"} <= set(found["market_crash"])
    assert "EUR exchange rate" in found["dollar_up"]


def test_limits_of_fund_account_and_factor_see_the_book() -> None:
    limits = [
        Limit(metric=metric, scope=scope, warn=0.01, soft=5.0, hard=6.0, owner="risk")
        for metric, scope in (
            ("gross_leverage", Scope.FUND),
            ("gross_leverage", Scope.ACCOUNT),
            ("expected_shortfall_975", Scope.ACCOUNT),
            ("exposure", Scope.FACTOR),
        )
    ]
    half = {s: MARKET.quantities[s] / 2 for s in BY_SYMBOL}
    given = inputs(fund="Fund", accounts={"one": half | {"cash EUR": 50_000.0}, "two": half})
    found = multi_asset_profile(
        given, limits=limits, scenarios=(), lookback=400, rng=np.random.default_rng(3)
    )

    values = {(c.metric, c.scope, c.name): c.value for c in found.limits}
    gross = found.exposure.gross / found.equity  # In the base currency, cash not in it.
    assert values["gross_leverage", Scope.FUND, "Fund"] == pytest.approx(gross)
    assert values["gross_leverage", Scope.ACCOUNT, "one"] == pytest.approx(gross / 2)
    assert values["gross_leverage", Scope.ACCOUNT, "two"] == pytest.approx(gross / 2)
    risks = [values["expected_shortfall_975", Scope.ACCOUNT, name] for name in ("one", "two")]
    assert min(risks) > 0
    assert risks[0] != pytest.approx(risks[1])  # Cash of another currency is at risk.
    factors = {c.name for c in found.limits if c.scope == Scope.FACTOR}
    assert {"market", "EUR rate of exchange", "USD level of rates"} <= factors
    assert "equity market" not in factors


def test_stress_revalues_options_and_bonds_and_names_what_it_cannot_run() -> None:
    found = {stress.name: stress for stress in WHOLE.stresses}

    assert set(found) >= {"market_crash", "rates_up", "volatility_double", "dollar_up"}
    assert "liquidity_crisis" not in found
    assert "No traded volume is known" in " ".join(WHOLE.notes)
    for stress in WHOLE.stresses:
        assert sum(stress.contributions.values()) == pytest.approx(stress.loss)
        assert sum(stress.by_factor.values()) == pytest.approx(stress.loss, abs=1e-6)
    up, down = found["rates_up"].contributions, found["rates_down"].contributions
    dv01 = {bond.symbol: bond.dv01 for bond in WHOLE.instruments.bonds}
    assert up["SIM-BOND"] == pytest.approx(100 * dv01["SIM-BOND"], rel=0.05)
    assert down["SIM-BOND"] < -up["SIM-BOND"]  # Convexity.
    in_euros = 50_000 * 1.1 + 66_000 + WHOLE.instruments.bonds[1].value
    assert found["dollar_up"].loss == pytest.approx(0.1 * (in_euros + 110_000))
    assert "by delta, gamma and vega alone" in found["market_crash"].note


def test_the_worst_month_of_the_history_is_replayed_in_full() -> None:
    found = next(stress for stress in WHOLE.stresses if stress.name == "worst_month")
    pnl = value_book(inputs(), lookback=1_000).revalued.pnl.sum(axis=0)
    sums = np.convolve(pnl, np.ones(21), mode="valid")
    first = int(np.argmin(sums))

    assert found.found
    assert f"Sessions {SESSIONS[first]} to {SESSIONS[first + 20]}, replayed." in found.note
    assert sum(found.contributions.values()) == pytest.approx(found.loss)
    # Compounded, and options and bonds revalued: near the sum of the days, not equal to it.
    assert found.loss == pytest.approx(-sums[first], rel=0.2)
    moved = np.prod(1.0 + MARKET.history.prices["SIM-ETF"][first : first + 21]) - 1.0
    assert found.contributions["SIM-ETF"] == pytest.approx(-120_000.0 * moved)


def test_the_reverse_stress_loses_what_it_is_told_to_in_full_revaluation() -> None:
    found = next(stress for stress in WHOLE.stresses if stress.name == "reverse_10_percent")

    assert found.loss_fraction == pytest.approx(0.10, rel=1e-4)
    assert found.found
    assert not found.limited
    deviation = value_book(inputs(), lookback=1_000).revalued.pnl.sum(axis=0).std()
    told = float(found.note.split()[0])
    # Of a linear book it would be the loss over the deviation; options bend the line.
    assert told == pytest.approx(0.1 * WHOLE.equity / deviation, rel=0.25)


def test_past_windows_are_replayed_only_where_the_market_was_observed() -> None:
    window = StressScenario(
        name="week", title="A week", description="One week.", basis=Basis.REVALUATION,
        window=(SESSIONS[100].item(), SESSIONS[104].item()),
    )  # fmt: skip
    early = replace(window, name="early", window=(date(1999, 1, 1), date(1999, 2, 1)))

    def run(market: str) -> RiskProfile:
        return multi_asset_profile(
            inputs(market=market), limits=(), scenarios=(window, early), lookback=1_000,
            rng=np.random.default_rng(3),
        )  # fmt: skip

    assert run("simulated").stresses == ()
    (replayed,) = run("observed").stresses
    moved = np.prod(1.0 + MARKET.history.prices["SIM-ETF"][100:105]) - 1.0
    assert replayed.contributions["SIM-ETF"] == pytest.approx(-120_000.0 * moved)


def test_a_book_that_cannot_lose_has_neither_a_worst_month_nor_a_reverse_stress() -> None:
    still = MarketMoves(n_scenarios=400, prices={s: np.zeros(400) for s in MARKET.history.prices},
                        fx={"EUR": np.zeros(400)},
                        curves={s: np.zeros((6, 400)) for s in MARKET.history.curves})  # fmt: skip
    names = {stress.name for stress in profile(inputs(moves=still)).stresses}
    assert not names & {"worst_month", "reverse_10_percent"}


def test_simulated_is_the_first_thing_that_the_notes_say() -> None:
    assert WHOLE.notes[0].startswith("The market of this portfolio is simulated.")


def bad_instruments() -> dict[str, HeldInstrument]:
    put, stock = BY_SYMBOL["SIM-PUT"], BY_SYMBOL["SIM-EQ"]
    bond = BY_SYMBOL["SIM-BOND"]
    return {
        "LATE": HeldInstrument(
            replace(put, symbol="LATE", option=replace(put.option, expiry=DAY - timedelta(1))), 1.0
        ),
        "NOVOL": HeldInstrument(replace(put, symbol="NOVOL"), 1.0),
        "NOPRICE": HeldInstrument(replace(stock, symbol="NOPRICE"), 1.0),
        "NEGATIVE": HeldInstrument(replace(stock, symbol="NEGATIVE"), 1.0),
        "NAN": HeldInstrument(replace(stock, symbol="NAN"), 1.0),
        "NOHISTORY": HeldInstrument(replace(stock, symbol="NOHISTORY"), 1.0),
        "NOCURRENCY": HeldInstrument(replace(stock, symbol="NOCURRENCY", currency="XXX"), 1.0),
        "NOCURVE": HeldInstrument(replace(bond, symbol="NOCURVE", currency="CHF"), 1.0),
        "MATURED": HeldInstrument(
            replace(bond, symbol="MATURED", bond=replace(bond.bond, maturity=DAY)), 1.0
        ),
        "GAPS": HeldInstrument(replace(stock, symbol="GAPS"), 1.0),
        "NOTHING": HeldInstrument(replace(stock, symbol="NOTHING"), 0.0),
        "UNKNOWN": HeldInstrument(replace(stock, symbol="UNKNOWN"), float("nan")),
    }


REASONS = {
    "LATE": "it expired on 2022-12-27: book its settlement",
    "NOVOL": "it has no volatility: add one to the snapshot",
    "NOPRICE": "NOPRICE has no price on 2022-12-28",
    "NEGATIVE": "a price of -3.0 is not positive",
    "NAN": "NAN has no price on 2022-12-28",
    "NOHISTORY": "no history of NOHISTORY is known: load it",
    "NOCURRENCY": "no exchange rate of XXX to USD is known",
    "NOCURVE": "no CHF curve is known",
    "MATURED": "a bond 0.0 years from maturity has matured",
    "GAPS": "it has no value in 2 of 400 scenarios: a move is missing",
    "NOTHING": "its quantity is 0: nothing is held of it",
    "UNKNOWN": "quantity must be finite, got nan",
}


def with_strangers(positions: Sequence[HeldInstrument]) -> MultiAssetInputs:
    """Return inputs whose market knows of the bad instruments what each is not lacking."""
    still, gaps = np.zeros(400), np.zeros(400)
    gaps[[3, 9]] = np.nan
    names = set(REASONS) - {"NOHISTORY", "GAPS"}
    history = MARKET.history
    moves = replace(
        history,
        prices={**history.prices, **dict.fromkeys(names, still), "GAPS": gaps},
        fx={**history.fx, "CHF": history.fx["EUR"][::-1]},
        curves={**history.curves, "CHF": history.curves["EUR"][:, ::-1]},
    )
    priced = {"NEGATIVE": -3.0, "NAN": float("nan"), "NOHISTORY": 5.0, "NOCURRENCY": 5.0,
              "GAPS": 5.0, "NOTHING": 5.0, "UNKNOWN": 5.0}  # fmt: skip
    snapshot = replace(
        MARKET.snapshot,
        prices={**MARKET.snapshot.prices, **priced},
        fx={**MARKET.snapshot.fx, "CHF": 1.05},
    )
    return inputs({"core": positions}, moves=moves, snapshot=snapshot)


@pytest.mark.parametrize("symbol", sorted(REASONS))
def test_one_bad_instrument_is_left_out_with_its_reason(symbol: str) -> None:
    given = with_strangers([*held(), bad_instruments()[symbol]])
    book = value_book(given, lookback=1_000).revalued

    assert [(row.symbol, row.reason) for row in book.left_out] == [(symbol, REASONS[symbol])]
    assert len(book.symbols) == len(held()) + 1  # And the cash in euros.


def test_bad_instruments_stand_beside_the_numbers_and_hide_nothing_of_the_rest() -> None:
    without = profile(with_strangers(held()))
    found = profile(with_strangers([*held(), *bad_instruments().values()]))

    assert {row.symbol: row.reason for row in found.left_out} == REASONS
    assert without.left_out == ()
    assert found.tails == without.tails
    assert found.stresses == without.stresses
    assert found.decomposition == without.decomposition
    assert found.instruments == without.instruments


def test_an_empty_book_and_one_of_which_nothing_is_priced_have_a_profile() -> None:
    empty = profile(inputs({}, cash={}))
    hopeless = profile(inputs({"core": [bad_instruments()["NOPRICE"]]}, cash={}))

    for found in (empty, hopeless):
        assert found.tails == ()
        assert found.stresses == ()
        assert found.measures.drawdown == pytest.approx(1 - 2.05 / 2.1)
        assert "Nothing held can be measured" in found.notes[-1]
    assert hopeless.left_out[0].symbol == "NOPRICE"


def test_too_short_a_history_measures_sensitivities_and_no_tail() -> None:
    n = 60
    short = MarketMoves(
        n_scenarios=n,
        prices={s: v[-n:] for s, v in MARKET.history.prices.items()},
        fx={s: v[-n:] for s, v in MARKET.history.fx.items()},
        curves={s: v[:, -n:] for s, v in MARKET.history.curves.items()},
        volatilities={s: v[-n:] for s, v in MARKET.history.volatilities.items()},
    )
    found = profile(inputs(moves=short, sessions=SESSIONS[-n:]))

    assert (found.tails, found.stresses, found.decomposition) == ((), (), ())
    assert len(found.instruments.bonds) == 2
    assert found.instruments.approximations == ()


def test_a_market_that_never_moves_has_no_risk_and_no_error() -> None:
    still = MarketMoves(
        n_scenarios=400,
        prices={s: np.zeros(400) for s in MARKET.history.prices},
        fx={"EUR": np.zeros(400)},
        curves={s: np.zeros((6, 400)) for s in MARKET.history.curves},
    )
    found = profile(inputs(moves=still))

    assert max(abs(t.value_at_risk) for t in found.tails) == pytest.approx(0.0, abs=1e-6)
    assert all(abs(row.component_var) < 1e-6 for row in found.positions)


@pytest.mark.parametrize("equity", [0.0, -1.0])
def test_equity_that_is_not_positive_is_refused(equity: float) -> None:
    with pytest.raises(InvalidInputError, match="equity must be known and positive today"):
        profile(inputs(equity=History(SESSIONS[-2:], np.array([2.0e6, equity]))))


def test_a_series_that_never_moves_and_two_that_are_one_hide_nothing() -> None:
    prices = MARKET.history.prices
    for etf in (np.zeros(400), prices["SIM-EQ"]):  # The second makes the covariance singular.
        moves = replace(MARKET.history, prices={**prices, "SIM-ETF": etf})
        found = profile(inputs(moves=moves))
        assert found.left_out == ()
        assert len(found.tails) == len(WHOLE.tails)
        assert len(found.stresses) == len(WHOLE.stresses)
        assert all(np.isfinite(row.component_var) for row in found.positions)


def test_instruments_of_the_shared_kinds_are_all_there() -> None:
    kinds = {i.kind for i in MARKET.instruments}
    assert kinds == set(InstrumentKind) - {InstrumentKind.INDEX}
    assert all(isinstance(i, Instrument) for i in MARKET.instruments)
