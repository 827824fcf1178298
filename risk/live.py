"""A book that is kept measured: a change of one position costs one row, not a new profile.

The P&L vector, and the product of each covariance with the exposures, are held and updated by one
scaled row or column when a position changes; what is read from them (tails, components, stresses,
score) is then a matter of milliseconds. Estimates of the market stay those of the night, and so do
the scenarios of the joint laws, which the exposures are multiplied with when they are asked for.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError
from measures.parametric_tail import normal_tail
from measures.tail import tail_risk, tail_risks
from risk.estimators import ESTIMATORS, check_history
from risk.held_laws import HeldLaws
from risk.score import Calibration, breach_probability, pressure, touch_probability
from risk.shocks import MarketState
from risk.stress import Basis, StressResult, StressScenario, liquidation_cost, losses_by_factor

CONFIDENCES = (0.95, 0.975, 0.99)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveMeasures:
    """The book as it stands.

    Attributes
    ----------
    tails : mapping of estimator to (value_at_risk, expected_shortfall)
        Each an array over CONFIDENCES, in currency.
    component_var, component_es : ndarray of shape (n_symbols,)
        Euler components at 99%: normal VaR, historical ES.
    stresses : mapping of scenario to loss
    """

    tails: dict[str, tuple[FloatArray, FloatArray]]
    component_var: FloatArray
    component_es: FloatArray
    stresses: dict[str, float]


class LiveBook:
    """Keeps one linear book measured while its positions change.

    Parameters
    ----------
    exposures : ndarray of shape (n_symbols,)
        Signed market values, in the order of `state.symbols`.
    returns : ndarray of shape (n_symbols, n_scenarios)
        Daily returns, oldest first.
    moves : mapping of scenario name to ndarray of shape (n_symbols,), optional
        What each position makes of its exposure, where a scenario was revalued: no shock of
        prices alone gives the P&L of an option.
    laws : HeldLaws, optional
        Joint laws of the same symbols; without them their estimators are not measured.
    scenarios : sequence of StressScenario
        Those whose shock is given or found already; each shocked market is computed once, here.
    """

    def __init__(
        self,
        state: MarketState,
        returns: FloatArray,
        exposures: FloatArray,
        *,
        scenarios: Sequence[StressScenario],
        moves: Mapping[str, FloatArray] | None = None,
        laws: HeldLaws | None = None,
    ) -> None:
        if not returns.shape[0] == len(state.symbols) == len(exposures):
            raise InvalidInputError(
                f"{len(state.symbols)} symbols, returns {returns.shape} and exposures "
                f"{exposures.shape} must match"
            )
        check_history(returns, CONFIDENCES)
        self._row_of = {symbol: row for row, symbol in enumerate(state.symbols)}
        self._returns = np.ascontiguousarray(returns)
        self._exposures = exposures.astype(np.float64)
        self._pnl = self._exposures @ self._returns
        self._state = state
        self._laws = laws
        self._scenarios = [scenario for scenario in scenarios if scenario.is_ready]
        found = self._found = moves or {}
        self._shocked = [
            replace(state, moves=found[scenario.name])
            if scenario.name in found
            else scenario.shock.apply(state)
            for scenario in self._scenarios
        ]
        self._covariance = state.covariance
        self._pull = self._covariance @ self._exposures
        tails = [i for i, s in enumerate(self._scenarios) if s.basis is Basis.TAIL_LOSS]
        self._shocked_covariance = {i: self._shocked[i].covariance for i in tails}
        self._shocked_pull = {i: c @ self._exposures for i, c in self._shocked_covariance.items()}

    def holding(self, exposures: FloatArray) -> "LiveBook":
        """Return another book on the same market, whose estimates the two share.

        Parameters
        ----------
        exposures : ndarray of shape (n_symbols,)
        """
        book = copy.copy(self)
        book._exposures = exposures.astype(np.float64)
        book._pnl = book._exposures @ self._returns
        book._pull = self._covariance @ book._exposures
        book._shocked_pull = {
            i: covariance @ book._exposures for i, covariance in self._shocked_covariance.items()
        }
        return book

    def set_exposure(self, symbol: str, exposure: float) -> None:
        """Take a fill or a mark: `symbol` is now worth `exposure`, signed.

        Raises
        ------
        MissingDataError
            If the symbol is not in the night's market.
        InvalidInputError
            If the exposure is not finite.
        """
        row = self._row_of.get(symbol)
        if row is None:
            raise MissingDataError(f"{symbol} has no scenarios: import its bars")
        if not np.isfinite(exposure):
            raise InvalidInputError(f"exposure of {symbol} must be finite, got {exposure}")
        change = exposure - self._exposures[row]
        self._exposures[row] = exposure
        self._pnl += change * self._returns[row]
        # Covariances are symmetric: a row is a column, and contiguous.
        self._pull += change * self._covariance[row]
        for i, covariance in self._shocked_covariance.items():
            self._shocked_pull[i] += change * covariance[row]

    @property
    def symbols(self) -> tuple[str, ...]:
        """What the night's market covers, in the order of the exposures."""
        return self._state.symbols

    @property
    def exposures(self) -> FloatArray:
        """Signed market values as they stand, (n_symbols,)."""
        return self._exposures.copy()

    @property
    def pnl(self) -> FloatArray:
        """What the book as it stands would have made in each scenario, (n_scenarios,)."""
        return self._pnl.copy()

    @property
    def covariance(self) -> FloatArray:
        """The night's covariance of daily returns, (n_symbols, n_symbols); not to be changed."""
        return self._covariance

    def covers(self, symbol: str) -> bool:
        """Return whether the night's market has scenarios for `symbol`."""
        return symbol in self._row_of

    def laws(self) -> dict[str, FloatArray]:
        """Return each joint law of tomorrow's P&L, of shape (n_scenarios,)."""
        return {} if self._laws is None else self._laws.of(self._exposures)

    def headline(self) -> tuple[FloatArray, FloatArray]:
        """Return historical value at risk and expected shortfall over CONFIDENCES."""
        value, shortfall = ESTIMATORS["historical"](self._pnl[None, :], CONFIDENCES)
        return value[:, 0], shortfall[:, 0]

    def stress_losses(self) -> dict[str, float]:
        """Return the loss under each scenario."""
        shortfall = float(normal_tail(np.zeros(1), np.ones(1), confidence=0.99)[1][0])
        return {
            scenario.name: self._stress(i, scenario.basis, shortfall)
            for i, scenario in enumerate(self._scenarios)
        }

    def stress_results(
        self, *, equity: float, notes: Mapping[str, str] | None = None
    ) -> tuple[StressResult, ...]:
        """Return each scenario's loss with what every position adds, as `risk.stress.run_stress`.

        Positions of nothing are left out of the contributions.
        """
        shortfall = float(normal_tail(np.zeros(1), np.ones(1), confidence=0.99)[1][0])
        held = np.flatnonzero(self._exposures)
        results = []
        for i, scenario in enumerate(self._scenarios):
            losses, before = self._stress_parts(i, scenario.basis, shortfall)
            loss = float(losses.sum())
            order = held[np.argsort(-losses[held], kind="stable")]
            results.append(
                StressResult(
                    name=scenario.name,
                    title=scenario.title,
                    description=scenario.description,
                    basis=scenario.basis,
                    loss=loss,
                    loss_fraction=loss / equity,
                    contributions={self._state.symbols[row]: float(losses[row]) for row in order},
                    normal_loss=before,
                    note=(notes or {}).get(scenario.name, ""),
                    found=not scenario.is_given,
                    limited=scenario.is_limited,
                    by_factor=self._by_factor(i, loss),
                )
            )
        return tuple(results)

    def _by_factor(self, at: int, loss: float) -> dict[str, float]:
        """Return the loss by what moved; a book revalued in full has moves of its own."""
        scenario = self._scenarios[at]
        if scenario.name in self._found:
            return {}
        return losses_by_factor(scenario, self._state, self._exposures, loss)

    def normal_components(self) -> FloatArray:
        """Return the Euler components of normal 99% VaR, (n_symbols,)."""
        quantile = float(normal_tail(np.zeros(1), np.ones(1), confidence=0.99)[0][0])
        parts = self._exposures * self._pull
        variance = float(parts.sum())
        scaled: FloatArray = parts * (quantile / np.sqrt(variance) if variance > 0 else 0.0)
        return scaled

    def measure(self) -> LiveMeasures:
        """Read every measure of the book as it stands."""
        rows = self._pnl[None, :]
        tails = {}
        for name, estimate in ESTIMATORS.items():
            value, shortfall = estimate(rows, CONFIDENCES)
            tails[name] = value[:, 0], shortfall[:, 0]
        for name, law in self.laws().items():
            value, shortfall = tail_risks(law[None, :], confidences=CONFIDENCES)
            tails[name] = value[:, 0], shortfall[:, 0]
        return LiveMeasures(
            tails=tails,
            component_var=self.normal_components(),
            component_es=self.shortfall_components(),
            stresses=self.stress_losses(),
        )

    def breach_probability(
        self,
        *,
        equity: float,
        drawdown: float,
        drawdown_limit: float,
        utilisations: FloatArray,
        calibration: Calibration,
    ) -> float:
        """Return the chance to reach the drawdown limit, on the night's calibration."""
        std = float(np.sqrt(max(float(self._exposures @ self._pull), 0.0))) / equity
        touch = touch_probability(
            np.array([drawdown]), limit=drawdown_limit, daily_volatility=np.array([std])
        )
        used = float(pressure(utilisations))
        return breach_probability(float(touch[0]), used, calibration)

    def shortfall_components(self) -> FloatArray:
        """Return the Euler components of historical 99% ES, (n_symbols,)."""
        value = tail_risk(self._pnl, confidence=0.99).value_at_risk
        size = round(0.01 * len(self._pnl), 9)
        beyond = self._pnl < -value
        on = self._pnl == -value
        # Scenarios at the quantile share what is left of the tail, be they one or several.
        weights = beyond + on * ((size - beyond.sum()) / max(on.sum(), 1))
        worst = np.flatnonzero(weights)
        parts: FloatArray = -self._exposures * (self._returns[:, worst] @ weights[worst]) / size
        return parts

    def _stress_parts(
        self, i: int, basis: Basis, shortfall: float
    ) -> tuple[FloatArray, float | None]:
        """Return the loss of each position under a scenario, and what it was before, if asked."""
        after, exposures = self._shocked[i], self._exposures
        moved: FloatArray = -exposures * after.moves
        if basis is Basis.TAIL_LOSS:
            before = float(_shortfall_parts(exposures, self._pull, shortfall).sum())
            return moved + _shortfall_parts(exposures, self._shocked_pull[i], shortfall), before
        if basis is Basis.LIQUIDATION:
            before = float(liquidation_cost(self._state, exposures).sum())
            return moved + liquidation_cost(after, exposures * (1.0 + after.moves)), before
        return moved, None

    def _stress(self, i: int, basis: Basis, shortfall: float) -> float:
        after = self._shocked[i]
        loss = -float(self._exposures @ after.moves)
        if basis is Basis.TAIL_LOSS:
            variance = float(self._exposures @ self._shocked_pull[i])
            return loss + shortfall * float(np.sqrt(max(variance, 0.0)))
        if basis is Basis.LIQUIDATION:
            return loss + float(
                liquidation_cost(after, self._exposures * (1.0 + after.moves)).sum()
            )
        return loss


def _shortfall_parts(exposures: FloatArray, pull: FloatArray, shortfall: float) -> FloatArray:
    """Return the Euler components of the normal shortfall, nothing for a book without risk."""
    parts = exposures * pull
    variance = float(parts.sum())
    scaled: FloatArray = parts * (shortfall / np.sqrt(variance) if variance > 0 else 0.0)
    return scaled
