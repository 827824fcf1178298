"""Option prices: against QuantLib, the printed formula, a published table, and their laws."""

import math
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest

from basics.errors import InvalidInputError
from measures.options import AmericanFormula, OptionTerms, option_prices, option_scenarios
from tests.quantlib_options import option_terms, quantlib, random_terms, take

RNG = np.random.default_rng(0)
NORMAL = NormalDist()
ONE_BOUNDARY = AmericanFormula.ONE_BOUNDARY


def test_european_price_equals_quantlib() -> None:
    options = random_terms(60, is_american=False)
    exact = [quantlib(options, i, engine="european").NPV() for i in range(60)]
    assert option_prices(options) == pytest.approx(exact, abs=1e-8)


def test_american_price_of_one_boundary_equals_quantlib() -> None:
    options = replace(random_terms(300, is_american=True), formula=ONE_BOUNDARY)
    theirs = [quantlib(options, i, engine="bjerksund_stensland").NPV() for i in range(300)]
    assert option_prices(options) == pytest.approx(theirs, abs=1e-8)


def test_quantlib_computes_the_formula_of_1993_as_it_is_printed() -> None:
    options = random_terms(300, is_american=True)
    european = option_prices(replace(options, is_american=np.zeros(300, dtype=bool)))
    for i in range(300):
        spot, strike, years, volatility, rate, dividend, sign = options.stacked()[:, i].tolist()
        s, x, r, q = (spot, strike, rate, dividend) if sign > 0 else (strike, spot, dividend, rate)
        printed = max(printed_1993(s, x, years, r, r - q, volatility), european[i], s - x)
        theirs = quantlib(options, i, engine="bjerksund_stensland").NPV()
        assert theirs == pytest.approx(printed, abs=1e-8)


def printed_1993(s: float, x: float, t: float, r: float, b: float, v: float) -> float:
    """Return the call as Haug (2007, section 3.2) prints the formula of 1993, factor by factor."""
    beta = (0.5 - b / v**2) + math.sqrt((b / v**2 - 0.5) ** 2 + 2 * r / v**2)
    infinite, start = beta / (beta - 1) * x, max(x, r / (r - b) * x)
    h = -(b * t + 2 * v * math.sqrt(t)) * start / (infinite - start)
    i = start + (infinite - start) * (1 - math.exp(h))
    if s >= i:
        return s - x

    def phi(gamma: float, level: float) -> float:
        growth = (-r + gamma * b + 0.5 * gamma * (gamma - 1) * v**2) * t
        d = -(math.log(s / level) + (b + (gamma - 0.5) * v**2) * t) / (v * math.sqrt(t))
        kappa = 2 * b / v**2 + 2 * gamma - 1
        reflected = NORMAL.cdf(d - 2 * math.log(i / s) / (v * math.sqrt(t)))
        return math.exp(growth) * s**gamma * (NORMAL.cdf(d) - (i / s) ** kappa * reflected)

    alpha = (i - x) * i**-beta
    call = alpha * s**beta - alpha * phi(beta, i) + phi(1, i) - phi(1, x)
    return call - x * phi(0, i) + x * phi(0, x)


def test_two_boundaries_come_closer_than_one_to_the_exact_price() -> None:
    # Early exercise matters for calls when the dividend is high, for puts when the rate is.
    for is_call, rate, dividend in ((True, 0.02, 0.06), (False, 0.06, 0.02)):
        for years in (90 / 365, 1.0, 2.0):
            options = option_terms(
                spot=np.linspace(85.0, 115.0, 7), years=years, rate=rate, dividend=dividend,
                volatility=0.3, is_call=is_call, is_american=True,
            )  # fmt: skip
            exact = np.array([quantlib(options, i, engine="exact").NPV() for i in range(7)])
            two = exact - option_prices(options)
            one = exact - option_prices(replace(options, formula=ONE_BOUNDARY))
            # Each is a feasible exercise rule, so it can only fall short.
            assert (two > -1e-6).all()
            assert two.mean() < 0.75 * one.mean()


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
    option = option_terms(
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
    exact = np.array([quantlib(options, i, engine="exact").NPV() for i in range(40)])
    # The approximation is a feasible exercise rule, so it can only fall short.
    assert (prices <= exact + 1e-6 * exact + 1e-6).all()
    assert prices == pytest.approx(exact, rel=0.025, abs=0.01)


def test_american_is_worth_at_least_european_and_intrinsic() -> None:
    american = random_terms(300, is_american=True)
    european = replace(american, is_american=np.zeros(300, dtype=bool))
    sign = np.where(american.is_call, 1, -1)
    prices = option_prices(american)
    assert (prices >= option_prices(european)).all()
    assert (prices >= sign * (american.spot - american.strike)).all()


def test_american_is_its_floor_where_the_powers_of_the_formula_overflow() -> None:
    quiet = {"volatility": 0.0104, "rate": 0.03, "dividend": 0.002, "years": 0.3}
    american, european = (
        option_prices(option_terms(spot=99.82, strike=111.23, is_american=early, **quiet))[0]
        for early in (True, False)
    )
    assert american == european


def test_put_call_parity() -> None:
    call, put = option_prices(option_terms(is_call=np.array([True, False])))
    assert call - put == pytest.approx(100 * np.exp(-0.005) - 100 * np.exp(-0.015))


def test_expired_and_still_options_pay_their_intrinsic() -> None:
    assert option_prices(option_terms(years=0.0, spot=110.0)) == pytest.approx([10.0])
    assert option_prices(
        option_terms(volatility=0.0, rate=0.0, dividend=0.0, spot=90.0)
    ).tolist() == [0]


def moved(options: OptionTerms, spot, level, rate, dividend) -> OptionTerms:
    """Return the options in one scenario."""
    return replace(
        options,
        spot=options.spot * spot,
        volatility=options.volatility * level,
        rate=options.rate + rate,
        dividend=options.dividend + dividend,
    )


@pytest.mark.parametrize("formula", list(AmericanFormula))
@pytest.mark.parametrize("is_american", [False, True])
def test_scenarios_equal_pricing_one_by_one(formula: AmericanFormula, *, is_american: bool) -> None:
    options = replace(random_terms(5, is_american=is_american), formula=formula)
    spot, level = RNG.uniform(0.8, 1.2, (1, 7)), RNG.uniform(0.5, 2.0, (5, 7))
    rate, dividend = RNG.normal(0.0, 0.01, (1, 7)), RNG.normal(0.0, 0.005, (5, 7))

    prices = option_scenarios(
        options, spot_ratio=spot, volatility_ratio=level, rate_change=rate, dividend_change=dividend
    )

    for k in range(7):
        one = moved(options, spot[0, k], level[:, k], rate[0, k], dividend[:, k])
        assert prices[:, k] == pytest.approx(option_prices(one), rel=1e-10, abs=1e-12)


def wild_terms(n: int, *, is_american: bool, formula: AmericanFormula) -> OptionTerms:
    """Return options of every kind, also expired, without volatility or with rates below zero."""
    generator = np.random.default_rng(8)
    return OptionTerms(
        spot=generator.uniform(50, 150, n),
        strike=generator.uniform(50, 150, n),
        years=generator.choice([0.0, 1 / 365, 0.02, 0.3, 1.0, 5.0], n),
        volatility=generator.choice([0.0, 0.03, 0.1, 0.3, 1.2], n),
        rate=generator.choice([-0.01, 0.0, 0.001, 0.03, 0.12], n),
        dividend=generator.choice([-0.01, 0.0, 0.002, 0.03, 0.12], n),
        is_call=generator.random(n) < 0.5,
        is_american=np.full(n, is_american),
        formula=formula,
    )


@pytest.mark.parametrize(
    ("is_american", "formula"),
    [
        (False, AmericanFormula.TWO_BOUNDARIES),
        (True, AmericanFormula.TWO_BOUNDARIES),
        (True, AmericanFormula.ONE_BOUNDARY),
    ],
)
@pytest.mark.parametrize(
    ("n", "n_scenarios", "threads"), [(400, 150, 1), (400, 150, 3), (25_000, 1, 2)]
)
def test_bulk_prices_are_within_a_billionth_of_those_one_by_one(
    n: int, n_scenarios: int, threads: int, formula: AmericanFormula, *, is_american: bool
) -> None:
    options = wild_terms(n, is_american=is_american, formula=formula)
    generator = np.random.default_rng(9)
    spot = np.exp(0.2 * generator.normal(size=(n, n_scenarios)))
    level = np.exp(0.4 * generator.normal(size=(1, n_scenarios)))
    level[0, -1] = 0.0 if n_scenarios > 1 else 1.0
    rate = 0.01 * generator.normal(size=(n, n_scenarios))
    dividend = 0.01 * generator.normal(size=(1, n_scenarios))
    changes = {"rate_change": rate, "dividend_change": dividend}

    prices = option_scenarios(
        options, spot_ratio=spot, volatility_ratio=level, threads=threads, **changes
    )

    one_by_one = np.stack(
        [
            option_prices(moved(options, spot[:, k], level[0, k], rate[:, k], dividend[0, k]))
            for k in range(n_scenarios)
        ],
        axis=1,
    )
    size = np.maximum(options.spot[:, None] * spot, options.strike[:, None])
    assert np.isfinite(prices).all()
    assert np.abs((prices - one_by_one) / size).max() < 1e-9


def test_many_options_in_many_scenarios_do_not_depend_on_how_they_are_cut() -> None:
    options = random_terms(300, is_american=True)
    spot = np.exp(0.1 * RNG.normal(size=(300, 100)))
    level = np.ones((1, 100))
    whole = option_scenarios(options, spot_ratio=spot, volatility_ratio=level)
    parts = [
        option_scenarios(take(options, part), spot_ratio=spot[part], volatility_ratio=level)
        for part in np.array_split(np.arange(300), 3)
    ]
    assert whole == pytest.approx(np.vstack(parts), abs=1e-7)


def test_bad_terms_are_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"spot must be positive, got 0"):
        option_terms(spot=0.0)
    with pytest.raises(InvalidInputError, match=r"years must not be negative.*has settled"):
        option_terms(years=-0.1)
    with pytest.raises(InvalidInputError, match="rate must be finite"):
        option_terms(rate=np.nan)
    with pytest.raises(InvalidInputError, match="must match"):
        option_scenarios(
            option_terms(), spot_ratio=np.ones((1, 3)), volatility_ratio=np.ones((1, 2))
        )
    with pytest.raises(InvalidInputError, match="1 spot and 2 rate scenarios must match"):
        option_scenarios(
            option_terms(), spot_ratio=np.ones((1, 1)), volatility_ratio=np.ones((1, 1)),
            rate_change=np.zeros((1, 2)),
        )  # fmt: skip
    with pytest.raises(InvalidInputError, match="rate and dividend must be finite"):
        option_scenarios(
            option_terms(), spot_ratio=np.ones((1, 1)), volatility_ratio=np.ones((1, 1)),
            dividend_change=np.full((1, 1), np.nan),
        )  # fmt: skip
    with pytest.raises(InvalidInputError, match="threads must be at least 1, got 0"):
        option_scenarios(
            option_terms(), spot_ratio=np.ones((1, 2)), volatility_ratio=np.ones((1, 2)), threads=0
        )
    with pytest.raises(InvalidInputError, match="spot ratios must be positive"):
        option_scenarios(
            option_terms(), spot_ratio=np.zeros((1, 2)), volatility_ratio=np.ones((1, 2))
        )
