"""What the night believed of the market, kept for a live book: estimates that no tick changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from basics.arrays import DateArray, FloatArray
from basics.errors import MissingDataError
from risk.book import Holding, align_book
from risk.held_laws import HeldLaws, hold_joint_laws
from risk.joint import Draws
from risk.profile import LeftOut
from risk.score import UNCALIBRATED, Calibration
from risk.shocks import MarketState
from risk.stress import StressScenario
from services.risk_factors import factors_on
from services.risk_found_stress import found_scenario
from services.risk_inputs import RiskInputs
from services.risk_judgement import stress_notes
from services.risk_measures import is_measurable, measure_book


@dataclass(frozen=True, slots=True, kw_only=True)
class NightVerdict:
    """Which estimators the night's backtests of a portfolio favoured, as (method, confidence).

    Attributes
    ----------
    of : date or None
        Date of the profile that carries the backtests; None before the first.
    """

    of: date | None = None
    best: frozenset[tuple[str, float]] = frozenset()
    in_confidence_set: frozenset[tuple[str, float]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class NightMarket:
    """The market's estimates, for every symbol that may be held.

    Attributes
    ----------
    returns : ndarray of shape (n_symbols, n_sessions)
    sessions : ndarray of shape (n_sessions,)
    benchmark : ndarray of shape (n_sessions,)
        What betas are on.
    scenarios : sequence of StressScenario
        Past windows as found in the prices; a reverse stress is found for each book anew.
    moves : mapping of scenario name to ndarray of shape (n_symbols,)
        What each position makes of its exposure under a scenario, where that was revalued.
    notes : mapping of scenario name to text
    factors : mapping of name to ndarray of shape (n_sessions,)
        Returns that risk is split by, NaN where there is none.
    laws : HeldLaws or None
        The joint laws' scenarios, of the same symbols; drawn when first asked for.
    left_out : tuple of LeftOut
        Symbols without history enough.
    """

    as_of: date
    state: MarketState
    returns: FloatArray
    sessions: DateArray
    benchmark: FloatArray
    scenarios: Sequence[StressScenario]
    sectors: Mapping[str, str]
    left_out: tuple[LeftOut, ...]
    moves: Mapping[str, FloatArray] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    factors: Mapping[str, FloatArray] = field(default_factory=dict)
    calibration: Calibration = UNCALIBRATED
    verdict: NightVerdict = NightVerdict()
    laws: HeldLaws | None = None


def night_market_of(
    inputs: RiskInputs,
    scenarios: Sequence[StressScenario],
    *,
    lookback: int,
    draws: Draws | None = None,
) -> NightMarket:
    """Estimate the market for every symbol of `inputs.prices`, held or not.

    A past window that the prices do not cover, or a factor without history, is left out, as in
    the nightly profile; a symbol without prices in a window moves by beta times the mean of every
    symbol that had them.

    Parameters
    ----------
    draws : Draws or None
        Of the joint laws; without them the market has none.

    Raises
    ------
    MissingDataError
        If no symbol has history enough.
    """
    every = {symbol: Holding(1.0, 0.0) for symbol in inputs.prices.symbols}
    book = align_book(every, inputs.prices, lookback=lookback)
    if not is_measurable(book):
        raise MissingDataError("no symbol has history enough for live risk: load more sessions")
    measured = measure_book(inputs, book, float(inputs.equity.values[-1]))
    notes, ready = stress_notes(measured), []
    for scenario in scenarios:
        if scenario.is_given or scenario.reverse_loss is not None:
            ready.append(scenario)
            continue
        found = found_scenario(inputs, measured, scenario)
        if found is not None:
            ready.append(found[0])
            notes[scenario.name] = found[1]
    return NightMarket(
        as_of=inputs.as_of,
        state=measured.state,
        returns=book.returns,
        sessions=book.sessions,
        benchmark=measured.market,
        scenarios=ready,
        sectors=inputs.sectors,
        left_out=book.left_out,
        notes=notes,
        laws=None if draws is None else hold_joint_laws(book.returns, draws),
        factors=factors_on(inputs.factors, book.sessions),
    )
