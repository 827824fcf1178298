"""What live features are begun from and moved on by: the lake, and the bars that came after it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from basics.arrays import DateArray, FloatArray, IntArray
from basics.errors import MissingDataError
from basics.identifiers import content_hash
from features.definitions import FeatureSet
from market.datasets import SESSION, SYMBOL, DatasetState
from market.live_bars import LiveBars, no_live_bars
from market.panel import Panel
from services.feature_context import FeatureContext, series_of
from services.market_data import MarketData
from services.ports import LiveBarStore

# The history that a set is begun from: twice its lookback, so that symbols with holes in their
# history have theirs too, and calendar days for sessions.
SPARE_SESSIONS, DAYS_PER_SESSION = 40, 1.6


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of everything that a set reads.

    Attributes
    ----------
    bars : LiveBars
        Of the set's own dataset.
    around : mapping of str to LiveBars
        Of the datasets whose series it reads beside.
    version : str
        Content hash of what the lake and the reference tables hold of all of it.
    """

    state: DatasetState
    bars: LiveBars
    around: Mapping[str, LiveBars]
    version: str

    @property
    def revisions(self) -> tuple[int, ...]:
        """How often the live bars of each dataset have changed."""
        return (self.bars.revision, *(bars.revision for bars in self.around.values()))

    def stamps(self, features: FeatureSet) -> IntArray:
        """Return when what each symbol's vector rests on last changed."""
        own = self.bars.updated
        if features.plan.whole:
            own = np.full(len(own), own.max(initial=0))
        beside = max((bars.updated.max(initial=0) for bars in self.around.values()), default=0)
        return np.maximum(own, beside)


class LiveInputs:
    """Reads what features are kept live from: the lake, the bars after it, what stands around."""

    def __init__(self, market: MarketData, bars: LiveBarStore) -> None:
        self._market, self._bars = market, bars
        self._context = FeatureContext(market)
        self._symbols_at: dict[str, tuple[str, tuple[str, ...]]] = {}

    def standing(self, features: FeatureSet, dataset: str) -> Standing:
        """Return the state of everything that the set reads."""
        state, bars = self.bars_of(dataset)
        if not features.context_fields:
            return Standing(state, bars, {}, state.version)
        around = {name: self.bars_of(name)[1] for name in series_datasets(features)}
        beside = self._context.version(features.context_fields)
        return Standing(state, bars, around, content_hash(state.version, beside))

    def bars_of(self, dataset: str) -> tuple[DatasetState, LiveBars]:
        """Return the lake's state of the dataset and the bars that came after it."""
        state = self._market.lake.state(dataset)
        if state.last_session is None:
            raise MissingDataError(f"{dataset} holds no session yet: import its history first")
        symbols = self._symbols(state)
        stored = self._bars.load(dataset)
        if stored is None:
            return state, no_live_bars(symbols, state.dataset.fields)
        after = stored.after(np.datetime64(state.last_session, "D"))
        return state, after if after.symbols == symbols else after.over(symbols)

    def history(self, features: FeatureSet, standing: Standing) -> Panel:
        """Return the bars that the set needs, up to the newest live one, for every symbol."""
        state, live_bars = standing.state, standing.bars
        assert state.last_session is not None
        sessions = 2 * features.lookback + SPARE_SESSIONS
        start = state.last_session - timedelta(days=int(sessions * DAYS_PER_SESSION))
        lake = self._market.panel(state.dataset.name, fields=features.fields, start=start)
        rows = live_bars.rows(lake.symbols)
        fields = {}
        for name in features.fields:
            values = np.full((len(live_bars.symbols), len(lake.sessions)), np.nan)
            values[rows] = lake[name]
            fields[name] = np.hstack([values, live_bars.fields[name]])
        all_sessions = np.concatenate([lake.sessions, live_bars.sessions])
        around = self.around(features, standing, all_sessions)
        return Panel(live_bars.symbols, all_sessions, fields, lake.simulated, around)

    def around(
        self, features: FeatureSet, standing: Standing, sessions: DateArray
    ) -> Mapping[str, FloatArray]:
        """Return what the set reads beside its bars: the lake's, then the live bars' own."""
        names = features.context_fields
        if not names:
            return {}
        around = dict(self._context.read(names, standing.bars.symbols, sessions))
        for name in names:
            series = series_of(name)
            if series is not None:
                bars = standing.around[series.dataset]
                row = bars.rows([series.symbol])[0]
                _, here, there = np.intersect1d(sessions, bars.sessions, return_indices=True)
                around[name][0, here] = bars.fields[series.field][row, there]
        return around

    def _symbols(self, state: DatasetState) -> tuple[str, ...]:
        """Return every symbol of the dataset, read once for each version of it."""
        name, version = state.dataset.name, state.version
        assert state.last_session is not None
        known = self._symbols_at.get(name)
        if known is None or known[0] != version:
            last = self._market.lake.scan(name).group_by(SYMBOL).agg(pl.col(SESSION).max())
            # Under the symbol that each instrument has now, as panels have it.
            rows = self._market.tickers.follow(last.collect(), on=state.last_session)
            symbols = tuple(rows[SYMBOL].unique().sort().to_list())
            known = self._symbols_at[name] = (version, symbols)
        return known[1]


def series_datasets(features: FeatureSet) -> tuple[str, ...]:
    """Return the datasets whose series the set reads beside its bars, sorted."""
    return tuple(sorted({s.dataset for s in map(series_of, features.context_fields) if s}))
