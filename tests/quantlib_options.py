"""Options as QuantLib has them, and random ones, for tests that hold ours against it."""

from dataclasses import fields
from typing import Any

import numpy as np
import QuantLib as ql  # noqa: N813 - its usual name

from measures.options import AmericanFormula, OptionTerms

TODAY = ql.Date(2, 1, 2020)
DAY_COUNT = ql.Actual365Fixed()


def option_terms(**changes: Any) -> OptionTerms:
    """Return options at the money, with changes, all of the length of the longest."""
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
    formula = changes.pop("formula", AmericanFormula.TWO_BOUNDARIES)
    given |= changes
    n = max(np.size(value) for value in given.values())
    arrays: dict[str, Any] = {name: np.full(n, value) for name, value in given.items()}
    return OptionTerms(**arrays, formula=formula)


def random_terms(n: int, *, is_american: bool, seed: int = 0) -> OptionTerms:
    """Return options of whole days, calls and puts, with a rate and a dividend yield."""
    rng = np.random.default_rng(seed)
    return OptionTerms(
        spot=rng.uniform(50, 150, n),
        strike=rng.uniform(50, 150, n),
        years=rng.integers(10, 900, n) / 365,
        volatility=rng.uniform(0.1, 0.8, n),
        rate=rng.uniform(0.001, 0.1, n),
        dividend=rng.uniform(0.001, 0.1, n),
        is_call=rng.random(n) < 0.5,
        is_american=np.full(n, is_american),
    )


def take(options: OptionTerms, rows: Any) -> OptionTerms:
    """Return some of the options."""
    arrays = {f.name: getattr(options, f.name)[rows] for f in fields(options)[:-1]}
    return OptionTerms(**arrays, formula=options.formula)


def quantlib(options: OptionTerms, i: int, *, engine: str) -> ql.VanillaOption:
    """Return option `i` with QuantLib's engine: `european`, `bjerksund_stensland`, `exact`."""
    ql.Settings.instance().evaluationDate = TODAY
    at = {f.name: getattr(options, f.name)[i] for f in fields(options)[:-1]}

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
    precise = ql.QdFpAmericanEngine.highPrecisionScheme()
    engines = {
        "european": lambda: ql.AnalyticEuropeanEngine(process),
        "bjerksund_stensland": lambda: ql.BjerksundStenslandApproximationEngine(process),
        "exact": lambda: ql.QdFpAmericanEngine(process, precise),
    }
    option.setPricingEngine(engines[engine]())
    return option
