"""Judge a measured book: what is observed for the limits, the score, the notes to read."""

from collections.abc import Sequence
from datetime import date

import numpy as np

from measures.tail import QuantileRule
from risk.evidence import JOINT_REFIT, daily_returns
from risk.exposure import Exposure
from risk.joint import N_SCENARIOS
from risk.limits import EVERY, Limit, LimitCheck, Observation, Scope
from risk.profile import BookMeasures, PositionRisk, TailEstimate
from risk.score import DEFAULT_DRAWDOWN_LIMIT, UNCALIBRATED, Calibration, breach_probability
from risk.score_history import calibrated, limit_pressure
from risk.stress import PARTICIPATION_CAP, StressResult
from services.risk_inputs import RiskInputs
from services.risk_measures import HEADLINE_METHOD, MeasuredBook, tail_of


def observations(
    scope: str,
    exposure: Exposure,
    measures: BookMeasures,
    tails: tuple[TailEstimate, ...],
    stresses: Sequence[StressResult],
    positions: Sequence[PositionRisk],
) -> list[Observation]:
    """Return every metric that a limit may bind."""
    value = tail_of(tails, HEADLINE_METHOD, 0.99)
    shortfall = tail_of(tails, HEADLINE_METHOD, 0.975)
    of_book = {
        "value_at_risk_99": None if value is None else value.var_fraction,
        "expected_shortfall_975": None if shortfall is None else shortfall.es_fraction,
        "drawdown": measures.drawdown,
        "gross_leverage": exposure.leverage,
        "net_leverage": exposure.net_leverage,
        "hhi": exposure.hhi,
        "beta": measures.beta,
        "worst_stress_loss": max((s.loss_fraction for s in stresses if s.limited), default=None),
        "days_to_liquidate": measures.longest_days_to_liquidate,
    }
    found = [
        Observation(
            metric, Scope.PORTFOLIO, scope, max(number, 0.0) if metric in _LOSSES else number
        )
        for metric, number in of_book.items()
        if number is not None
    ]
    found += [Observation("weight", Scope.SYMBOL, p.symbol, p.weight) for p in positions]
    found += [
        Observation("weight", Scope.SECTOR, sector, weight)
        for sector, weight in exposure.sector_weights.items()
    ]
    return found


# A negative loss is a gain: it uses nothing of its limit.
_LOSSES = frozenset({"value_at_risk_99", "expected_shortfall_975", "worst_stress_loss"})


def calibrated_probability(
    inputs: RiskInputs,
    measured: MeasuredBook | None,
    checks: Sequence[LimitCheck],
    limits: Sequence[Limit],
    *,
    drawdown: float,
) -> tuple[Calibration, float]:
    """Return the score's calibration, and today's calibrated probability of a breach."""
    limit = drawdown_limit(inputs.scope, inputs.as_of, limits)
    if measured is None:
        used = limit_pressure(checks)
        return UNCALIBRATED, breach_probability(float(drawdown >= limit), used, UNCALIBRATED)
    rows = [inputs.prices.symbols.index(symbol) for symbol in measured.book.symbols]
    returns = daily_returns(inputs.prices["close"][rows])
    book_returns = measured.book.exposures / measured.equity @ returns
    return calibrated(book_returns, checks, limit=limit, drawdown=drawdown)


def notes_of(inputs: RiskInputs, measured: MeasuredBook | None, lookback: int) -> tuple[str, ...]:
    """Return the conventions and caveats that belong beside the numbers."""
    notes = [
        f"VaR and expected shortfall are positive losses in {inputs.currency}, one day unless "
        f"said otherwise, from the last {lookback} sessions; empirical quantiles by "
        f"{QuantileRule.ACERBI_TASCHE.value}. Limits use the {HEADLINE_METHOD} estimate.",
        f"Joint Monte Carlo: {N_SCENARIOS:,} scenarios by law, the seed of the settings; in "
        f"backtests the market is estimated anew every {JOINT_REFIT} sessions.",
        "Beta is on the equally weighted universe."
        if inputs.benchmark is None
        else "Beta is on the benchmark given.",
    ]
    if inputs.volume_simulated:
        notes.append(
            f"Days to liquidate and liquidation costs rest on simulated volume "
            f"(participation capped at {PARTICIPATION_CAP:.0%})."
        )
    if measured is None:
        notes.append("Nothing held can be measured: no tail, no stress, no evidence is shown.")
        return tuple(notes)
    if measured.book.filled:
        notes.append(f"{measured.book.filled} missing returns were taken as zero.")
    if measured.rates is None:
        notes.append("No monthly yields overlap the prices: the rate shock moves nothing.")
    return tuple(notes)


def stress_notes(measured: MeasuredBook) -> dict[str, str]:
    """Return what the reader of a scenario must know, by scenario name."""
    rates = measured.rates
    if rates is None:
        return {"interest_rate_shock": "No yields were given: sensitivities are zero."}
    strong = int((np.abs(rates.slopes) > 1.96 * rates.errors).sum())
    return {
        "interest_rate_shock": (
            f"Sensitivities from {rates.n_months} monthly AAA yields, {rates.first_month:%Y-%m} to "
            f"{rates.last_month:%Y-%m}, the last that is known; {strong} of {len(rates.slopes)} "
            "differ from zero at 5%."
        )
    }


def drawdown_limit(scope: str, as_of: date, limits: Sequence[Limit]) -> float:
    """Return the hard drawdown limit of a portfolio, that of every one where it has none."""
    rows = [
        limit
        for limit in limits
        if limit.metric == "drawdown"
        and limit.scope is Scope.PORTFOLIO
        and limit.name in (EVERY, scope)
    ]
    rows.sort(key=lambda limit: limit.name == EVERY)
    return rows[0].hard_on(as_of) if rows else DEFAULT_DRAWDOWN_LIMIT
