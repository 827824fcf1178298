"""The series by which profit is split by risk factor: the sample's, and any that a user adds.

Market and styles are observed returns. Two factors have no daily series over the whole of the
sample, so stand-ins take their place and every answer says so:

- `volatility` is the change of the VIX where it is known on every session asked for, else the
  innovation of the index's own volatility: the change of its exponentially weighted forecast
  (RiskMetrics 1996, decay 0.94, annualised) that the session's return brings.
- `rates` is the return of a mimicking portfolio: the universe weighted by how each stock moved
  with the monthly AAA yield until the month before the range (Breeden, Gibbons and Litzenberger
  1989), less the mean weight, gross one. It gains when what gains from rising yields gains.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import numpy as np

from basics.arrays import DateArray, FloatArray
from basics.errors import InvalidInputError, MissingDataError
from market.panel import Panel
from measures.volatility import ewma_variance
from risk.market_state import estimate_rate_betas
from services.market_data import MarketData
from services.portfolio_review import INDEX, PortfolioReview, close_returns

DECAY: Final = 0.94
WARM: Final = 60  # Sessions before the range from which the volatility forecast starts.
HISTORY: Final = timedelta(days=200)
YIELD: Final = "AAA"
FILES: Final = frozenset({".csv", ".parquet"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors:
    """Factor returns (or changes) by name, (n_sessions,), NaN where unknown, and what they are."""

    values: Mapping[str, FloatArray]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorSeries:
    """Gathers factors on the sessions asked for.

    Attributes
    ----------
    universe : str
        Dataset of the stocks that mimic rates.
    own : mapping of str to str
        A user's factors by name: `dataset/symbol`, `dataset/symbol/field`, either with `@return`
        or `@change`, or a CSV or Parquet file of `date, return`. A field `close` counts as
        returns, any other as changes, unless said otherwise.
    read_file : callable
        Returns dates and returns of a file.
    """

    market: MarketData
    review: PortfolioReview
    universe: str
    own: Mapping[str, str]
    read_file: Callable[[Path], tuple[DateArray, FloatArray]]

    def with_own(self, own: Mapping[str, str]) -> "FactorSeries":
        """Return the same with more factors of the user's."""
        return FactorSeries(
            market=self.market,
            review=self.review,
            universe=self.universe,
            own={**self.own, **own},
            read_file=self.read_file,
        )

    def on(self, sessions: DateArray) -> Factors:
        """Return every factor on `sessions`; one that cannot be made is left out with a note.

        Raises
        ------
        InvalidInputError
            If a user's factor has the name of another, or its source cannot be read.
        MissingDataError
            If a user's factor has no value on these sessions.
        """
        values = dict(self.review.factor_returns(sessions))
        notes = []
        for name, make in (("rates", self._rates), ("volatility", self._volatility)):
            try:
                values[name], note = make(sessions)
            except MissingDataError as error:
                note = f"{name} left out: {error}"
            notes.append(note)
        for name, source in self.own.items():
            if name in values:
                raise InvalidInputError(f"a factor is called {name!r} already: choose another name")
            values[name] = self._own(name, source, sessions)
            notes.append(f"{name}: your factor, {source}")
        return Factors(values=values, notes=tuple(notes))

    def _rates(self, sessions: DateArray) -> tuple[FloatArray, str]:
        prices = self.market.panel(self.universe, fields=("close",), end=sessions[-1].item())
        macro = self.market.panel("macro", fields=("value",), symbols=(YIELD,))
        known = np.isfinite(macro["value"][0])
        months = macro.sessions[known]
        before = months.astype("datetime64[M]") < sessions[0].astype("datetime64[M]")
        past = prices.until(sessions[0] - np.timedelta64(1, "D"))
        betas = estimate_rate_betas(
            past["close"], past.sessions, months[before], macro["value"][0][known][before]
        )
        weights = np.where(np.isfinite(betas.errors), betas.slopes, np.nan)
        weights = np.nan_to_num(weights - np.nanmean(weights))
        if not np.abs(weights).sum() > 0:
            raise MissingDataError("no stock moved with the yield: load more history")
        moves = np.nan_to_num(close_returns(prices))
        mimicked = weights @ moves / np.abs(weights).sum()
        note = (
            f"rates: {int((weights != 0).sum())} stocks weighted by their moves with the monthly "
            f"{YIELD} yield until {betas.last_month:%Y-%m}, in place of a daily yield"
        )
        return _on(prices.sessions, mimicked, sessions), note

    def _volatility(self, sessions: DateArray) -> tuple[FloatArray, str]:
        start, end = sessions[0].item() - HISTORY, sessions[-1].item()
        macro = self.market.panel("macro", fields=("value",), symbols=("VIX",))
        known = np.isfinite(macro["value"][0])
        vix = macro["value"][0][known]
        if len(vix) > 1:
            change = _on(macro.sessions[known][1:], np.diff(vix) / 100.0, sessions)
            if np.isfinite(change).all():
                return change, "volatility: the change of the VIX"
        index = self.market.panel(
            "indices", fields=("close",), start=start, end=end, symbols=(INDEX,)
        )
        moves = close_returns(index)[0]
        usable = np.isfinite(moves)
        if usable.sum() <= WARM:
            raise MissingDataError(f"the index has {int(usable.sum())} sessions before {end}")
        level = np.sqrt(252 * ewma_variance(moves[usable][None], decay=DECAY, warm=WARM)[0])
        innovation = _on(index.sessions[usable], np.diff(level), sessions)
        return innovation, "volatility: the innovation of the index's own, the VIX does not reach"

    def _own(self, name: str, source: str, sessions: DateArray) -> FloatArray:
        path, _, how = source.partition("@")
        if Path(path).suffix in FILES:
            dates, returns = self.read_file(Path(path))
            values = _on(dates, returns, sessions)
        else:
            values = self._of_lake(name, path, how, sessions)
        if not np.isfinite(values).any():
            raise MissingDataError(
                f"factor {name!r} ({source}) has no value between {sessions[0]} and {sessions[-1]}"
            )
        return values

    def _of_lake(self, name: str, path: str, how: str, sessions: DateArray) -> FloatArray:
        words = path.split("/")
        if len(words) not in {2, 3} or how not in {"", "return", "change"}:
            raise InvalidInputError(
                f"factor {name!r}: {path!r} is no dataset/symbol[/field][@return|@change], and no "
                "CSV or Parquet file"
            )
        dataset, symbol = words[:2]
        panel = self._series(dataset, symbol, words[2] if len(words) == 3 else None, sessions)
        (field,) = panel.fields
        known = np.isfinite(panel[field][0])
        level = panel[field][0][known]
        changes = np.diff(level)
        if how == "return" or (not how and field == "close"):
            changes = changes / level[:-1]
        return _on(panel.sessions[known][1:], changes, sessions)

    def _series(self, dataset: str, symbol: str, field: str | None, sessions: DateArray) -> Panel:
        known = {state.dataset.name: state.dataset.fields for state in self.market.catalog()}
        if dataset not in known:
            raise InvalidInputError(f"there is no dataset {dataset!r}: {', '.join(known)}")
        chosen = field or next((f for f in ("close", "value") if f in known[dataset]), None)
        if chosen not in known[dataset]:
            raise InvalidInputError(f"{dataset} has the fields {', '.join(known[dataset])}")
        assert chosen is not None
        start, end = sessions[0].item() - HISTORY, sessions[-1].item()
        try:
            return self.market.panel(
                dataset, fields=(chosen,), start=start, end=end, symbols=(symbol,)
            )
        except MissingDataError as error:
            raise MissingDataError(
                f"{symbol} of {dataset} has no {chosen} between {start} and {end}: take another "
                "range, or import it"
            ) from error


def _on(dates: DateArray, values: FloatArray, sessions: DateArray) -> FloatArray:
    """Return `values` on `sessions`, NaN where there is none."""
    if not len(dates):
        return np.full(len(sessions), np.nan)
    at = np.searchsorted(dates, sessions).clip(max=len(dates) - 1)
    found: FloatArray = np.where(dates[at] == sessions, values[at], np.nan)
    return found
