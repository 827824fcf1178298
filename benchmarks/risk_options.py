"""Claims of option pricing: the speed of full revaluation, and how it stands to QuantLib."""

from dataclasses import fields, replace

import numpy as np
import QuantLib as ql  # noqa: N813 - its usual name

from basics.arrays import FloatArray
from benchmarks.harness import Row, best_seconds
from measures.option_greeks import option_greeks
from measures.options import AmericanFormula, OptionTerms, option_prices, option_scenarios

SEED = 7
TODAY = ql.Date(2, 1, 2020)
N_COMPARED = 500
GREEKS = ("delta", "gamma", "vega", "theta", "rho")


def option_rows() -> list[Row]:
    """Time the full revaluation, and hold prices and greeks against QuantLib."""
    return _speed_rows() + _agreement_rows() + _distance_rows()


def _speed_rows() -> list[Row]:
    """Time European options, American ones, half and half, and American under moving curves."""
    rng = np.random.default_rng(SEED)
    n_options, n_scenarios = 10_000, 1_000
    european = OptionTerms(
        spot=rng.uniform(50, 150, n_options),
        strike=rng.uniform(50, 150, n_options),
        years=rng.uniform(0.05, 2, n_options),
        volatility=rng.uniform(0.1, 0.6, n_options),
        rate=np.full(n_options, 0.03),
        dividend=np.full(n_options, 0.01),
        is_call=rng.random(n_options) < 0.5,
        is_american=np.zeros(n_options, dtype=bool),
    )
    spot = np.exp(0.02 * rng.normal(size=(n_options, n_scenarios)))
    level = np.exp(0.1 * rng.normal(size=(n_options, n_scenarios)))
    mixes = {
        "risk.options": ("European", european),
        "risk.options_american": (
            "American (Bjerksund-Stensland 2002)",
            replace(european, is_american=np.ones(n_options, dtype=bool)),
        ),
        "risk.options_mixed": (
            "half European, half American",
            replace(european, is_american=np.arange(n_options) % 2 == 0),
        ),
    }
    for _, options in mixes.values():  # Compiled once per machine.
        option_scenarios(options, spot_ratio=spot[:, :9], volatility_ratio=level[:, :9])

    def seconds(options: OptionTerms, rate: FloatArray | None = None) -> float:
        def run() -> FloatArray:
            return option_scenarios(
                options, spot_ratio=spot, volatility_ratio=level, rate_change=rate
            )

        return best_seconds(run, repeat=3)

    timed = {name: (mix, seconds(options)) for name, (mix, options) in mixes.items()}
    curves = 0.001 * rng.normal(size=(n_options, n_scenarios))
    moved = seconds(mixes["risk.options_mixed"][1], curves)
    timed["risk.options_curves"] = ("half and half, a rate of its own in each scenario", moved)
    return [
        Row(
            id=name,
            claim=f"10,000 options, {mix}, fully revalued under 1,000 scenarios",
            value=value,
            unit="s",
            reference="limit 2 s",
            reference_value=2.0,
        )
        for name, (mix, value) in timed.items()
    ]


def _agreement_rows() -> list[Row]:
    """Count the decimal places to which price and greeks agree with QuantLib's closed forms."""
    rows = []
    for name, american in (("european", False), ("american_1993", True)):
        options = replace(_compared(american=american), formula=AmericanFormula.ONE_BOUNDARY)
        ours = option_greeks(options)
        peers = [_quantlib(options, i, exact=False) for i in range(N_COMPARED)]
        worst = max(abs(ours.price - np.array([peer.NPV() for peer in peers])))
        for greek in GREEKS:
            theirs = np.array([getattr(peer, greek)() for peer in peers])
            worst = max(worst, np.abs(getattr(ours, greek) - theirs).max())
        rows.append(
            Row(
                id=f"risk.options_agree.{name}",
                claim=f"decimal places that price and greeks of {N_COMPARED} options agree to",
                value=float(-np.log10(worst)),
                unit="1",
                reference="QuantLib's engine, to 8 places",
                reference_value=8.0,
            )
        )
    return rows


def _distance_rows() -> list[Row]:
    """Measure how far both American formulas are from the exact price."""
    options = _compared(american=True)
    exact = np.array([_quantlib(options, i, exact=True).NPV() for i in range(N_COMPARED)])
    one = replace(options, formula=AmericanFormula.ONE_BOUNDARY)
    off_one, off_two = (np.abs(option_prices(o) - exact) for o in (one, options))
    return [
        Row(
            id="risk.options_closer",
            claim="share of American options where 2002 is at least as close to the exact price",
            value=float((off_two <= off_one + 1e-9).mean()),
            unit="1",
            reference="half of them: no better than the formula of 1993",
            reference_value=0.5,
        )
    ]


def _compared(*, american: bool) -> OptionTerms:
    rng = np.random.default_rng(SEED)
    n = N_COMPARED
    return OptionTerms(
        spot=rng.uniform(50, 150, n),
        strike=rng.uniform(50, 150, n),
        years=rng.integers(10, 900, n) / 365,
        volatility=rng.uniform(0.1, 0.8, n),
        rate=rng.uniform(0.002, 0.1, n),
        dividend=rng.uniform(0.002, 0.1, n),
        is_call=rng.random(n) < 0.5,
        is_american=np.full(n, american),
    )


def _quantlib(options: OptionTerms, i: int, *, exact: bool) -> ql.VanillaOption:
    """Return one option with QuantLib's closed form, or its exact American engine."""
    ql.Settings.instance().evaluationDate = TODAY
    at = {f.name: getattr(options, f.name)[i] for f in fields(options) if f.name != "formula"}
    days = ql.Actual365Fixed()
    rate, dividend = (
        ql.YieldTermStructureHandle(ql.FlatForward(TODAY, float(at[name]), days))
        for name in ("rate", "dividend")
    )
    level = ql.BlackConstantVol(TODAY, ql.NullCalendar(), float(at["volatility"]), days)
    spot = ql.QuoteHandle(ql.SimpleQuote(float(at["spot"])))
    process = ql.BlackScholesMertonProcess(
        spot, dividend, rate, ql.BlackVolTermStructureHandle(level)
    )
    expiry = TODAY + round(float(at["years"]) * 365)
    side = ql.Option.Call if at["is_call"] else ql.Option.Put
    early = bool(at["is_american"])
    exercise = ql.AmericanExercise(TODAY, expiry) if early else ql.EuropeanExercise(expiry)
    option = ql.VanillaOption(ql.PlainVanillaPayoff(side, float(at["strike"])), exercise)
    if exact:
        scheme = ql.QdFpAmericanEngine.highPrecisionScheme()
        option.setPricingEngine(ql.QdFpAmericanEngine(process, scheme))
    elif early:
        option.setPricingEngine(ql.BjerksundStenslandApproximationEngine(process))
    else:
        option.setPricingEngine(ql.AnalyticEuropeanEngine(process))
    return option
