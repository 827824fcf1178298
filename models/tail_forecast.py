"""The risk kind: tomorrow's value at risk and expected shortfall of every series.

Filtered historical simulation (Barone-Adesi et al. 1999): divide past returns by the volatility
that was forecast for them, take the tail of what remains over all series together, and scale it
by the volatility forecast for tomorrow. GJR-GARCH filters; EWMA filtering stands beside it, and
plain historical simulation over 500 sessions is the naive baseline.

P&L is the daily log return; forecasts are positive losses.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import numpy as np

from basics.arrays import FloatArray, IntArray
from basics.errors import InvalidInputError, MissingDataError
from features.labels import UNKNOWN, Labels
from market.panel import Panel
from measures.tail_scores import fissler_ziegel_loss, pinball_loss
from measures.var_backtests import christoffersen, exceedances, kupiec
from models.contest import Contender, GateRules
from models.garch import garch_forecasts
from models.variance import daily_returns, ewma_rows

BASELINE, CANDIDATE = "historical", "gjr_filtered"
MIN_LOSS = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class TailSpec:
    """How the risk model is trained and judged; declared once, not tuned.

    Attributes
    ----------
    confidence : float
        97.5%, the level of the Fundamental Review of the Trading Book.
    window : int
        Sessions of plain historical simulation.
    """

    name: str = "risk"
    confidence: float = 0.975
    window: int = 500
    first_test_year: int = 1998
    refit_years: int = 2
    seed: int = 1
    rules: GateRules = field(default_factory=GateRules)

    def setting(self) -> dict[str, object]:
        """Return all that shapes training and judgement."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class TailForecast:
    """Forecasts made at each close for the next session.

    Attributes
    ----------
    value_at_risk, shortfall : ndarray of shape (n_series, n_sessions)
        Positive losses as fractions; NaN where unknown.
    volatility : ndarray of shape (n_series, n_sessions) or None
        What the forecast scales by, where it filters.
    """

    value_at_risk: FloatArray
    shortfall: FloatArray
    volatility: FloatArray | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesBacktest:
    """How one series' forecasts held."""

    series: str
    days: int
    exceedances: int
    kupiec_p_value: float
    christoffersen_p_value: float


def tail_forecasts(panel: Panel, spec: TailSpec) -> dict[str, TailForecast]:
    """Return every contender's forecasts, each cell from what was known at its close.

    Raises
    ------
    MissingDataError
        If no series has 500 returns before the test begins.
    """
    returns = daily_returns(panel)
    years = panel.sessions.astype("datetime64[Y]").astype(int) + 1970
    due = (years >= spec.first_test_year) & ((years - spec.first_test_year) % spec.refit_years == 0)
    refits = np.flatnonzero(due & (np.diff(years, prepend=years[0] - 1) > 0))
    if not len(refits):
        raise MissingDataError(f"the sessions end before {spec.first_test_year}")
    # The first fit serves the sessions before the test too, to have residuals to learn from:
    # only its own past is scored by nothing.
    variance = garch_forecasts(returns, refits=refits, horizon=1, asymmetric=True)
    return {
        CANDIDATE: _filtered(returns, np.sqrt(variance), refits, spec),
        "ewma_filtered": _filtered(returns, np.sqrt(ewma_rows(returns)), refits, spec),
        BASELINE: _historical(returns, spec),
    }


def tail_contenders(
    forecasts: Mapping[str, TailForecast], panel: Panel, spec: TailSpec, *, until: int
) -> dict[str, Contender]:
    """Score every contender by the Fissler-Ziegel loss on the cells that all of them know."""
    pnl, common = _common(forecasts, panel, spec)
    common[:, until:] = False
    days = common.any(axis=0)
    if not days.any():
        raise MissingDataError("no session has a forecast from every contender: load more history")
    field = {}
    for name, forecast in forecasts.items():
        losses = np.zeros(pnl.shape)
        losses[common] = fissler_ziegel_loss(
            pnl[common],
            forecast.value_at_risk[common],
            forecast.shortfall[common],
            confidence=spec.confidence,
        )
        mean = losses.sum(axis=0)[days] / common.sum(axis=0)[days]
        field[name] = Contender(name=name, losses=mean, sessions=np.flatnonzero(days))
    return field


def tail_figures(
    forecasts: Mapping[str, TailForecast], panel: Panel, spec: TailSpec
) -> dict[str, dict[str, float]]:
    """Return pinball loss, exceedance rate and share of series that pass the backtests."""
    pnl, common = _common(forecasts, panel, spec)
    found = {}
    for name, forecast in forecasts.items():
        pinball = pinball_loss(
            pnl[common], forecast.value_at_risk[common], confidence=spec.confidence
        )
        tests = backtests(forecast, panel, spec, common=common)
        found[name] = {
            "pinball": float(pinball.mean()),
            "exceedance_rate": float((-pnl[common] > forecast.value_at_risk[common]).mean()),
            "kupiec_pass_share": float(np.mean([t.kupiec_p_value > 0.05 for t in tests])),
            "christoffersen_pass_share": float(
                np.mean([t.christoffersen_p_value > 0.05 for t in tests])
            ),
        }
    return found


def backtests(
    forecast: TailForecast, panel: Panel, spec: TailSpec, *, common: np.ndarray | None = None
) -> tuple[SeriesBacktest, ...]:
    """Return Kupiec's and Christoffersen's tests of each series."""
    pnl, cells = _common({"one": forecast}, panel, spec)
    cells = cells if common is None else common
    found = []
    for i, name in enumerate(panel.symbols):
        days = cells[i]
        if days.sum() < spec.window // 2:
            continue
        hits = exceedances(pnl[i, days], forecast.value_at_risk[i, days])
        found.append(
            SeriesBacktest(
                series=name,
                days=int(days.sum()),
                exceedances=int(hits.sum()),
                kupiec_p_value=kupiec(
                    int(hits.sum()), int(days.sum()), confidence=spec.confidence
                ).p_value,
                christoffersen_p_value=christoffersen(hits).p_value,
            )
        )
    return tuple(found)


def tail_multipliers(
    returns: FloatArray, volatility: FloatArray, *, stop: int, confidence: float
) -> tuple[float, float]:
    """Return VaR and ES of the standardised losses known before session `stop`, all series pooled.

    Raises
    ------
    MissingDataError
        If fewer than 500 standardised returns are known.
    """
    # The forecast made at t - 1 scales the return of t.
    residuals = returns[:, 1:stop] / volatility[:, : stop - 1]
    losses = -residuals[np.isfinite(residuals)]
    if len(losses) < 500:
        raise MissingDataError(f"{len(losses)} standardised returns are too few: need 500")
    return _tail(np.sort(losses)[::-1], confidence)


def _filtered(
    returns: FloatArray, volatility: FloatArray, refits: IntArray, spec: TailSpec
) -> TailForecast:
    """Scale the pooled tail of standardised losses by each forecast of volatility."""
    var, shortfall = np.full_like(returns, np.nan), np.full_like(returns, np.nan)
    years = np.arange(refits[0], returns.shape[1], 252)
    for start in years:
        stop = min(start + 252, returns.shape[1])
        try:
            quantile, mean = tail_multipliers(
                returns, volatility, stop=start, confidence=spec.confidence
            )
        except MissingDataError:
            continue
        var[:, start:stop] = np.maximum(quantile * volatility[:, start:stop], MIN_LOSS)
        shortfall[:, start:stop] = np.maximum(mean * volatility[:, start:stop], MIN_LOSS)
    return TailForecast(var, shortfall, volatility)


def _historical(returns: FloatArray, spec: TailSpec) -> TailForecast:
    """Take the tail of the last `window` returns of each series."""
    var, shortfall = np.full_like(returns, np.nan), np.full_like(returns, np.nan)
    window = spec.window
    worst = max(1, round(window * (1.0 - spec.confidence)))
    for i, row in enumerate(returns):
        view = np.lib.stride_tricks.sliding_window_view(-row, window)
        known = np.isfinite(view).all(axis=1)
        tail = -np.sort(np.partition(-view[known], worst - 1, axis=1)[:, :worst], axis=1)
        at = np.flatnonzero(known) + window - 1
        var[i, at] = np.maximum(tail[:, -1], MIN_LOSS)
        shortfall[i, at] = np.maximum(tail.mean(axis=1), MIN_LOSS)
    return TailForecast(var, shortfall)


def _tail(losses: FloatArray, confidence: float) -> tuple[float, float]:
    """Return the order statistic at `confidence` and the mean of the losses from it on."""
    if not 0.5 < confidence < 1.0:
        raise InvalidInputError(f"confidence must lie in (0.5, 1), got {confidence}")
    worst = max(1, round(len(losses) * (1.0 - confidence)))
    return float(losses[worst - 1]), float(losses[:worst].mean())


def next_return(panel: Panel) -> Labels:
    """Return the log return from today's close to tomorrow's, which the tail is foretold of."""
    returns = daily_returns(panel)
    values = np.full_like(returns, np.nan)
    values[:, :-1] = returns[:, 1:]
    position = np.broadcast_to(np.arange(1, values.shape[1] + 1, dtype=np.int64), values.shape)
    following = np.where(np.isfinite(values), position, UNKNOWN)
    return Labels("next_return", values, following, following, lookback=0)


def _common(
    forecasts: Mapping[str, TailForecast], panel: Panel, spec: TailSpec
) -> tuple[FloatArray, np.ndarray]:
    """Return tomorrow's return at each session, and where it and every forecast are known."""
    pnl = next_return(panel).values
    common = np.isfinite(pnl)
    for forecast in forecasts.values():
        common &= np.isfinite(forecast.value_at_risk) & np.isfinite(forecast.shortfall)
    years = panel.sessions.astype("datetime64[Y]").astype(int) + 1970
    common[:, years < spec.first_test_year] = False
    return pnl, common
