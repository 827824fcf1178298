"""Live risk of a book of every kind of instrument: revalued in full at an interval, linear between.

Each full revaluation prices the positions of now, on the marks and rates of now, in every scenario
of the market's history and under every written stress. Between two of them a mark moves the
exposure of what it prices, in proportion: the deltas of options and all convexity are those of
the last revaluation, whose moment the full profile carries.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

import numpy as np

from basics.arrays import FloatArray
from basics.errors import MissingDataError
from basics.instruments import InstrumentKind
from market.multi_asset import MarketMoves, MarketSnapshot
from risk.held_laws import HeldLaws, HeldScenarios
from risk.limits import Limit
from risk.revaluation import HeldInstrument
from risk.score import Level
from risk.shocks import Shock
from risk.stress import Basis, StressResult, StressScenario
from services.live_observations import Whole
from services.live_profile import LiveHoldings, LiveProfile
from services.live_risk import LiveRisk, LiveRiskReading
from services.multi_asset_life import JOINT_METHOD, drawn_market, joint_pnl
from services.multi_asset_stress import stresses_of
from services.multi_asset_valuation import (
    CASH,
    SIMULATED,
    MultiAssetInputs,
    ValuedBook,
    measured_book,
    value_book,
)
from services.night_market import NightMarket
from services.risk_inputs import History


@dataclass(slots=True, kw_only=True)
class MultiAssetRisk:
    """Keeps one portfolio of every kind of instrument measured, as `LiveRisk` does stocks.

    Attributes
    ----------
    inputs : MultiAssetInputs
        The book and its market at the last close.
    scenarios : sequence of StressScenario
        As the nightly profile runs them: a past window needs a market that was observed then.
    prices, rates : callable
        Return the marks of now by symbol, and the worth of each other currency.
    seed : int
        Of the joint law's draws: the night's, so that both are measured under the same luck.
    learnt : callable
        Adds to a market what the night learnt of the portfolio (calibration, verdict).
    """

    inputs: MultiAssetInputs
    scenarios: Sequence[StressScenario]
    lookback: int
    prices: Callable[[], Mapping[str, float]]
    rates: Callable[[], Mapping[str, float]]
    learnt: Callable[[NightMarket], NightMarket]
    seed: int = 0
    _risk: LiveRisk = field(init=False)
    _deltas: dict[str, float] = field(init=False)
    _drawn: MarketMoves | None = None
    _parts: dict[str, dict[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        held: dict[str, float] = {}
        for position in (one for each in self.inputs.held.values() for one in each):
            symbol = position.instrument.symbol
            held[symbol] = held.get(symbol, 0.0) + position.quantity
        self._revalue(held, self.inputs.snapshot, equity=float(self.inputs.equity.values[-1]))

    def update(
        self,
        values: Mapping[str, float],
        working: Mapping[str, tuple[float, float]],
        worth: Mapping[str, float],
    ) -> int:
        """Move to new market values; as `LiveRisk.update`."""
        self._risk.hold_beside(self._cash())
        return self._risk.update(self._exposures(values), working, worth)

    def read(
        self,
        *,
        equity: float,
        drawdown: float,
        limits: Sequence[Limit],
        as_of: date,
        previous: Level | None = None,
        whole: Whole = (),
    ) -> LiveRiskReading:
        """Return what every event can pay for; as `LiveRisk.read`."""
        return self._risk.read(
            equity=equity,
            drawdown=drawdown,
            limits=limits,
            as_of=as_of,
            previous=previous,
            whole=whole,
        )

    def profile(
        self,
        reading: LiveRiskReading,
        holdings: LiveHoldings,
        *,
        limits: Sequence[Limit],
        desk_date: date,
        at: datetime,
        sequence: int,
    ) -> LiveProfile:
        """Revalue the book in full and return its profile; what is read next rests on it."""
        self._revalue(holdings.quantities, self._snapshot(), equity=reading.equity)
        exposures = self._exposures(holdings.values)
        self._risk.hold_beside(self._cash())
        self._risk.update(exposures, {}, {})
        cash = {strategy: self._in_base(own) for strategy, own in self.inputs.cash.items()}
        profile = self._risk.profile(
            self._risk.read(
                equity=reading.equity,
                drawdown=reading.drawdown,
                limits=limits,
                as_of=desk_date,
                previous=reading.level,
            ),
            replace(
                holdings,
                values=exposures | self._cash(),
                strategies={
                    strategy: _shared(
                        holdings.strategies.get(strategy, {}), holdings.values, exposures
                    )
                    | cash.get(strategy, {})
                    for strategy in {*holdings.strategies, *cash}
                },
            ),
            limits=limits,
            desk_date=desk_date,
            at=at,
            sequence=sequence,
        )
        # Of this very revaluation: between two of them a loss is not split by what moved.
        return replace(
            profile,
            stresses=tuple(
                replace(stress, by_factor=self._parts.get(stress.name, stress.by_factor))
                for stress in profile.stresses
            ),
        )

    def _exposures(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return what each position moves with: an option by its delta, the rest by its value."""
        return {symbol: self._deltas.get(symbol, value) for symbol, value in values.items()}

    def _cash(self) -> dict[str, float]:
        """Return the cash of other currencies at the rates of now: at risk, and no exposure."""
        sums: dict[str, float] = {}
        for amounts in self.inputs.cash.values():
            for name, worth in self._in_base(amounts).items():
                sums[name] = sums.get(name, 0.0) + worth
        return sums

    def _in_base(self, amounts: Mapping[str, float]) -> dict[str, float]:
        rates = self.rates()
        return {f"{CASH} {c}": a * rates[c] for c, a in amounts.items() if c in rates and a}

    def _snapshot(self) -> MarketSnapshot:
        """Return the market with the marks and rates of now; curves and volatilities stay."""
        base, marks = self.inputs.snapshot, self.prices()
        return replace(
            base,
            prices={symbol: marks.get(symbol, price) for symbol, price in base.prices.items()},
            fx={currency: self.rates().get(currency, rate) for currency, rate in base.fx.items()},
        )

    def _revalue(
        self, quantities: Mapping[str, float], snapshot: MarketSnapshot, *, equity: float
    ) -> None:
        terms = {
            position.instrument.symbol: position.instrument
            for each in self.inputs.held.values()
            for position in each
        }
        held = [HeldInstrument(terms[s], q) for s, q in quantities.items() if s in terms and q]
        inputs = replace(
            self.inputs,
            held={"all": held},
            snapshot=snapshot,
            equity=History(self.inputs.equity.sessions[-1:], np.array([equity])),
        )
        valued = value_book(inputs, lookback=self.lookback)
        measured = measured_book(inputs, valued)
        if measured is None:
            raise MissingDataError(
                f"nothing that {self.inputs.scope} holds can be revalued: load its market"
            )
        stresses = stresses_of(
            self.scenarios,
            measured,
            valued,
            pairs=inputs.pairs,
            observed=inputs.market != SIMULATED,
        )
        self._parts = {stress.name: stress.by_factor for stress in stresses}
        named = {scenario.name: scenario for scenario in self.scenarios}
        book = measured.book
        self._deltas = {
            symbol: exposure
            for symbol, exposure in zip(book.symbols, book.exposures.tolist(), strict=True)
            if valued.held[symbol].instrument.kind is InstrumentKind.OPTION
        }
        self._risk = LiveRisk(
            self.inputs.scope,
            self.learnt(
                NightMarket(
                    as_of=self.inputs.snapshot.as_of,
                    state=measured.state,
                    returns=book.returns,
                    sessions=book.sessions,
                    benchmark=measured.market,
                    scenarios=[_ready(named[stress.name], stress) for stress in stresses],
                    sectors=valued.kinds,
                    laws=HeldLaws(lambda: {JOINT_METHOD: self._joint_law(valued)}),
                    left_out=book.left_out,
                    notes={stress.name: stress.note for stress in stresses if stress.note},
                    moves={
                        stress.name: _moves(stress, valued)
                        for stress in stresses
                        if stress.basis is Basis.REVALUATION
                    },
                )
            ),
        )

    def _joint_law(self, valued: ValuedBook) -> HeldScenarios:
        """Revalue the positions in the drawn market, which no tick changes: drawn once."""
        if self._drawn is None:
            self._drawn = drawn_market(valued, np.random.default_rng(self.seed))
        return HeldScenarios(joint_pnl(valued, self._drawn) / valued.exposures[:, None])


def _shared(
    own: Mapping[str, float], values: Mapping[str, float], exposures: Mapping[str, float]
) -> dict[str, float]:
    """Return a strategy's part of each exposure, pro rata to its part of the value."""
    return {
        symbol: exposures[symbol] * value / values[symbol]
        for symbol, value in own.items()
        if values.get(symbol)
    }


def _ready(scenario: StressScenario, stress: StressResult) -> StressScenario:
    """Return the scenario as one that is found already; what it moves stands beside it."""
    if scenario.is_ready:
        return scenario
    return replace(scenario, shock=Shock(symbol_returns=stress.contributions))


def _moves(stress: StressResult, valued: ValuedBook) -> FloatArray:
    """Return what each position makes of its exposure, which is never zero, under a scenario."""
    # What the stressed market cannot price is named in the stress's note, and moves nothing.
    lost = np.array([stress.contributions.get(s, 0.0) for s in valued.revalued.symbols])
    moved: FloatArray = -lost / valued.exposures
    return moved
