"""Tests of `measures.options`: against QuantLib, a published table, and the laws of options."""

from dataclasses import fields

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813 - its usual name

from basics.errors import InvalidInputError
from measures.options import OptionTerms, option_greeks, option_prices, option_scenarios

RNG = np.random.default_rng(0)
TODAY = ql.Date(2, 1, 2020)
DAY_COUNT = ql.Actual365Fixed()


def terms(**changes) -> OptionTerms:
    given = {
        "spot": 100.0,
        "strike": 100.0,
        "years": 0.5,
        "volatility": 0.2,
        "rate": 0.03,
        "dividend": 0.01,
        "is_call": True,
        "is_american": False,
    }
    given |= changes
    n = max(np.size(value) for value in given.values())
    return OptionTerms(**{name: np.full(n, value) for name, value in given.items()})


def random_terms(n: int, *, is_american: bool) -> OptionTerms:
    return OptionTerms(
        spot=RNG.uniform(50, 150, n),
        strike=RNG.uniform(50, 150, n),
        years=RNG.integers(10, 900, n) / 365,
        volatility=RNG.uniform(0.1, 0.8, n),
        rate=RNG.uniform(0.001, 0.1, n),
        dividend=RNG.uniform(0.001, 0.1, n),
        is_call=RNG.random(n) < 0.5,
        is_american=np.full(n, is_american),
    )


def quantlib(options: OptionTerms, i: int) -> ql.VanillaOption:
    ql.Settings.instance().evaluationDate = TODAY
    at = {f.name: getattr(options, f.name)[i] for f in fields(options)}

    def flat(rate: float) -> ql.YieldTermStructureHandle:
        return ql.YieldTermStructureHandle(ql.FlatForward(TODAY, float(rate), DAY_COUNT))

    volatility = ql.BlackConstantVol(TODAY, ql.NullCalendar(), float(at["volatility"]), DAY_COUNT)
    process = ql.BlackScholesMertonProcess(
        ql.QuoteHandle(ql.SimpleQuote(float(at["spot"]))),
        flat(at["dividend"]),
        flat(at["rate"]),
        ql.BlackVolTermStructureHandle(volatility),
    )
    expiry = TODAY + round(float(at["years"]) * 365)
    payoff = ql.PlainVanillaPayoff(
        ql.Option.Call if at["is_call"] else ql.Option.Put, float(at["strike"])
    )
    exercise = (
        ql.AmericanExercise(TODAY, expiry) if at["is_american"] else ql.EuropeanExercise(expiry)
    )
    option = ql.VanillaOption(payoff, exercise)
    option.setPricingEngine(
        ql.QdFpAmericanEngine(process, ql.QdFpAmericanEngine.highPrecisionScheme())
        if at["is_american"]
        else ql.AnalyticEuropeanEngine(process)
    )
    return option


def test_european_price_and_greeks_equal_quantlib() -> None:
    options = random_terms(60, is_american=False)

    greeks = option_greeks(options)

    for i in range(60):
        peer = quantlib(options, i)
        assert greeks.price[i] == pytest.approx(peer.NPV(), abs=1e-8)
        for name in ("delta", "gamma", "vega", "theta", "rho"):
            assert getattr(greeks, name)[i] == pytest.approx(getattr(peer, name)(), abs=1e-8)


@pytest.mark.parametrize(
    ("spot", "volatility", "years", "price"),
    [  # Haug (2007), table 3-2: calls, strike 100, rate 0.1, cost of carry 0.
        (90, 0.15, 0.1, 0.0205),
        (100, 0.15, 0.1, 1.8757),
        (110, 0.15, 0.1, 10.0000),
        (90, 0.25, 0.1, 0.3151),
        (100, 0.35, 0.1, 4.3746),
        (90, 0.15, 0.5, 0.8099),
        (100, 0.25, 0.5, 6.7661),
        (110, 0.35, 0.5, 15.5137),
    ],
)
def test_bjerksund_stensland_2002_golden(
    spot: float, volatility: float, years: float, price: float
) -> None:
    option = terms(
        spot=float(spot),
        volatility=volatility,
        years=years,
        rate=0.1,
        dividend=0.1,
        is_american=True,
    )
    assert option_prices(option)[0] == pytest.approx(price, abs=5e-5)


def test_american_is_near_the_exact_price_and_never_far_above() -> None:
    options = random_terms(40, is_american=True)
    prices = option_prices(options)
    exact = np.array([quantlib(options, i).NPV() for i in range(40)])
    # The approximation is a feasible exercise rule, so it can only fall short.
    assert (prices <= exact + 1e-6 * exact + 1e-6).all()
    assert prices == pytest.approx(exact, rel=0.025, abs=0.01)


def test_american_is_worth_at_least_european_and_intrinsic() -> None:
    american = random_terms(300, is_american=True)
    european = OptionTerms(
        **{f.name: getattr(american, f.name) for f in fields(american) if f.name != "is_american"},
        is_american=np.zeros(300, dtype=bool),
    )
    sign = np.where(american.is_call, 1, -1)
    prices = option_prices(american)
    assert (prices >= option_prices(european)).all()
    assert (prices >= sign * (american.spot - american.strike)).all()


def test_american_is_its_floor_where_the_powers_of_the_formula_overflow() -> None:
    quiet = {"volatility": 0.0104, "rate": 0.03, "dividend": 0.002, "years": 0.3}
    american, european = (
        option_prices(terms(spot=99.82, strike=111.23, is_american=early, **quiet))[0]
        for early in (True, False)
    )
    assert american == european


def test_put_call_parity() -> None:
    call, put = option_prices(terms(is_call=np.array([True, False])))
    assert call - put == pytest.approx(100 * np.exp(-0.005) - 100 * np.exp(-0.015))


def test_american_greeks_are_slopes_of_the_price() -> None:
    options = terms(is_call=False, is_american=True, rate=0.08)
    greeks = option_greeks(options)
    step = 0.01
    up = option_prices(terms(is_call=False, is_american=True, rate=0.08, spot=100 + step))[0]
    assert greeks.delta[0] == pytest.approx((up - greeks.price[0]) / step, abs=1e-3)
    assert greeks.theta[0] < 0 < greeks.gamma[0]
    assert -1 < greeks.delta[0] < 0


def test_expired_and_still_options_pay_their_intrinsic() -> None:
    assert option_prices(terms(years=0.0, spot=110.0)) == pytest.approx([10.0])
    assert option_prices(terms(volatility=0.0, rate=0.0, dividend=0.0, spot=90.0)).tolist() == [0]
    greeks = option_greeks(terms(years=0.0, spot=110.0))
    assert (greeks.delta[0], greeks.gamma[0], greeks.vega[0]) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize("is_american", [False, True])
def test_scenarios_equal_pricing_one_by_one(*, is_american: bool) -> None:
    options = random_terms(5, is_american=is_american)
    spot, vol = RNG.uniform(0.8, 1.2, (1, 7)), RNG.uniform(0.5, 2.0, (5, 7))

    prices = option_scenarios(options, spot_ratio=spot, volatility_ratio=vol)

    for k in range(7):
        moved = OptionTerms(
            **{
                f.name: getattr(options, f.name)
                for f in fields(options)
                if f.name not in {"spot", "volatility"}
            },
            spot=options.spot * spot[0, k],
            volatility=options.volatility * vol[:, k],
        )
        assert prices[:, k] == pytest.approx(option_prices(moved), rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("is_american", [False, True])
@pytest.mark.parametrize("threads", [1, 3])
def test_bulk_prices_are_within_a_billionth_of_those_one_by_one(
    threads: int, *, is_american: bool
) -> None:
    generator, n, n_scenarios = np.random.default_rng(8), 400, 150
    options = OptionTerms(
        spot=generator.uniform(50, 150, n),
        strike=generator.uniform(50, 150, n),
        years=generator.choice([0.0, 1 / 365, 0.02, 0.3, 1.0, 5.0], n),
        volatility=generator.choice([0.0, 0.03, 0.1, 0.3, 1.2], n),
        rate=generator.choice([-0.01, 0.0, 0.001, 0.03, 0.12], n),
        dividend=generator.choice([-0.01, 0.0, 0.002, 0.03, 0.12], n),
        is_call=generator.random(n) < 0.5,
        is_american=np.full(n, is_american),
    )
    spot = np.exp(0.2 * generator.normal(size=(n, n_scenarios)))
    level = np.exp(0.4 * generator.normal(size=(1, n_scenarios)))
    level[0, 3] = 0.0

    prices = option_scenarios(options, spot_ratio=spot, volatility_ratio=level, threads=threads)

    size = np.maximum(options.spot[:, None] * spot, options.strike[:, None])
    few = np.array_split(np.arange(n), 4)
    one_by_one = np.vstack(
        [
            option_scenarios(
                OptionTerms(**{f.name: getattr(options, f.name)[part] for f in fields(options)}),
                spot_ratio=spot[part],
                volatility_ratio=level,
            )
            for part in few
        ]
    )
    assert np.isfinite(prices).all()
    assert np.abs((prices - one_by_one) / size).max() < 1e-9


def test_bad_terms_are_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"spot must be positive, got 0"):
        terms(spot=0.0)
    with pytest.raises(InvalidInputError, match=r"years must not be negative.*has settled"):
        terms(years=-0.1)
    with pytest.raises(InvalidInputError, match="rate must be finite"):
        terms(rate=np.nan)
    with pytest.raises(InvalidInputError, match="must match"):
        option_scenarios(terms(), spot_ratio=np.ones((1, 3)), volatility_ratio=np.ones((1, 2)))
    with pytest.raises(InvalidInputError, match="threads must be at least 1, got 0"):
        option_scenarios(
            terms(), spot_ratio=np.ones((1, 2)), volatility_ratio=np.ones((1, 2)), threads=0
        )
    with pytest.raises(InvalidInputError, match="spot ratios must be positive"):
        option_scenarios(terms(), spot_ratio=np.zeros((1, 2)), volatility_ratio=np.ones((1, 2)))
