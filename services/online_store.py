"""The online store: newest features of each symbol, as bars and ticks come in.

What came after the lake's last session is kept on the desk's disk, so a restart goes on where
the feed stood; once the lake holds a session, its own rows count. The vectors themselves lie in
the cache for `ttl_seconds`, where every process that shares it reads them; one that the cache
has lost, or whose bars have moved on since, is answered from the live state and put back.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from basics.arrays import IntArray
from basics.clock import Clock
from basics.errors import ConflictError, InvalidInputError
from features.definitions import FeatureSet
from features.online import OnlineFeatures
from market.calendars import exchange_calendar
from market.datasets import DatasetState
from market.live_bars import Bar, with_trade
from services.live_features import FeatureVector, FeatureVectors
from services.live_inputs import LiveInputs, Standing, series_datasets
from services.market_data import MarketData
from services.ports import Cache, LiveBarStore

# Sets that are held live at once; the one asked for longest ago goes first.
MAX_OPEN = 8


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade of a feed."""

    symbol: str
    price: float
    size: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestFeatures:
    """What the store answers.

    Attributes
    ----------
    vectors : mapping of str to FeatureVector
    cached : frozenset of str
        Symbols whose vector the cache had.
    simulated : tuple of str
        Simulated fields that the set reads: with any, the values are no evidence.
    lake_session : date
        The last session that the lake holds; a vector of a later one rests on live bars.
    """

    features: FeatureSet
    dataset: str
    vectors: Mapping[str, FeatureVector]
    cached: frozenset[str]
    simulated: tuple[str, ...]
    lake_session: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a feed's bars changed: the session, its symbols, and the sets that are held live."""

    dataset: str
    session: date
    symbols: tuple[str, ...]
    updated_at: datetime
    feature_sets: tuple[str, ...]


@dataclass(slots=True)
class _Open:
    """A set that is held live, and the state of the data that it stands on."""

    live: OnlineFeatures
    version: str
    revisions: tuple[int, ...]


class OnlineStore:
    """Keeps feature sets over datasets live.

    Parameters
    ----------
    bars : LiveBarStore
        Keeps what came after the lake's last session.
    ttl_seconds : float
        How long a vector stays in the cache.
    """

    def __init__(
        self,
        *,
        market: MarketData,
        bars: LiveBarStore,
        cache: Cache,
        clock: Clock,
        ttl_seconds: float,
    ) -> None:
        self._inputs, self._bars, self._cache, self._clock = (
            LiveInputs(market, bars),
            bars,
            cache,
            clock,
        )
        self._ttl_seconds = ttl_seconds
        self._open: OrderedDict[tuple[str, str], _Open] = OrderedDict()
        self._lock = asyncio.Lock()

    async def latest(
        self, features: FeatureSet, dataset: str, symbols: Sequence[str] | None = None
    ) -> LatestFeatures:
        """Return the newest vectors of `symbols`, or of all.

        Raises
        ------
        MissingDataError
            If the dataset, a field that the set reads, or a symbol is missing.
        """
        standing = await asyncio.to_thread(self._inputs.standing, features, dataset)
        state, live_bars = standing.state, standing.bars
        wanted = list(live_bars.symbols if symbols is None else dict.fromkeys(symbols))
        stamps = dict(
            zip(wanted, standing.stamps(features)[live_bars.rows(wanted)].tolist(), strict=True)
        )
        kept = await self._vectors(features, standing).latest(wanted)
        found = {s: vector for s, vector in kept.items() if vector.updated == stamps[s]}
        cached = frozenset(found)
        if absent := [symbol for symbol in wanted if symbol not in found]:
            found |= await self._answered(features, dataset, absent)
        assert state.last_session is not None
        return LatestFeatures(
            features=features,
            dataset=dataset,
            vectors={symbol: found[symbol] for symbol in wanted},
            cached=cached,
            simulated=tuple(sorted(state.dataset.simulated & set(features.fields))),
            lake_session=state.last_session,
        )

    async def take(self, dataset: str, session: date, bars: Mapping[str, Bar]) -> Taken:
        """Take bars of a session after the lake's last: a new session's, or its changed ones.

        A later session closes the one before it. Fields that a bar leaves out stay as they were.

        Raises
        ------
        ConflictError
            If the lake holds the session, a later one has begun, or another process took bars
            at the same time.
        MissingDataError
            If the dataset or a symbol is unknown.
        InvalidInputError
            If there is no bar, one is not sound, or the exchange has no such session.
        """
        if not bars:
            raise InvalidInputError("no bar was sent: give a bar for at least one symbol")
        async with self._lock:
            return await self._take(dataset, session, bars)

    async def take_trades(self, dataset: str, session: date, trades: Iterable[Trade]) -> Taken:
        """Fold trades into the forming bars of a session: see `take`."""
        async with self._lock:
            state, live_bars = await asyncio.to_thread(self._inputs.bars_of, dataset)
            day = np.datetime64(session, "D")
            forming: dict[str, dict[str, float]] = {}
            for trade in trades:
                before = forming.get(trade.symbol) or live_bars.newest(trade.symbol, day)
                forming[trade.symbol] = with_trade(before, trade.price, trade.size)
            if not forming:
                raise InvalidInputError("no trade was sent: give at least one")
            known = set(state.dataset.fields)
            bars = {
                symbol: {name: value for name, value in bar.items() if name in known}
                for symbol, bar in forming.items()
            }
            return await self._take(dataset, session, bars)

    async def _answered(
        self, features: FeatureSet, dataset: str, symbols: Sequence[str]
    ) -> Mapping[str, FeatureVector]:
        """Return vectors from the live state, which is begun if need be, and put all back."""
        async with self._lock:
            standing = await asyncio.to_thread(self._inputs.standing, features, dataset)
            live = await asyncio.to_thread(self._live, features, standing)
            stamps, rows = standing.stamps(features), standing.bars.rows(symbols)
            await self._vectors(features, standing).publish(live, updated=stamps)
            values = live.values(rows=rows)
        return {
            symbol: FeatureVector(symbol, live.session, values[:, k], int(stamps[row]))
            for k, (symbol, row) in enumerate(zip(symbols, rows, strict=True))
        }

    async def _take(self, dataset: str, session: date, bars: Mapping[str, Bar]) -> Taken:
        state, before = await asyncio.to_thread(self._inputs.bars_of, dataset)
        _require_session(state, session)
        now = self._clock.now()
        after = before.taking(
            np.datetime64(session, "D"),
            bars,
            now_microseconds=round(now.timestamp() * 1e6),
        )
        await asyncio.to_thread(self._bars.save, dataset, after)
        labels = await self._advance(dataset, before.revision, after.rows(list(bars)))
        return Taken(
            dataset=dataset,
            session=session,
            symbols=tuple(bars),
            updated_at=now,
            feature_sets=tuple(labels),
        )

    async def _advance(self, dataset: str, before: int, rows: IntArray) -> list[str]:
        """Move every set that is held live on, and keep the vectors that changed.

        A set that stood on older data, or only reads a series of the dataset, is begun again
        when asked for.
        """
        labels = []
        for key, opened in list(self._open.items()):
            features = opened.live.features
            if dataset in series_datasets(features):
                del self._open[key]
            if key[1] != dataset or key not in self._open:
                continue
            standing = await asyncio.to_thread(self._inputs.standing, features, dataset)
            stood = (before, *standing.revisions[1:])
            if (opened.version, opened.revisions) != (standing.version, stood):
                del self._open[key]
                continue
            begun = await asyncio.to_thread(self._move_on, opened, standing, rows)
            changed = None if begun or features.plan.whole else rows
            await self._vectors(features, standing).publish(
                opened.live, rows=changed, updated=standing.stamps(features)
            )
            labels.append(features.label)
        return labels

    def _live(self, features: FeatureSet, standing: Standing) -> OnlineFeatures:
        """Return the set as it is held live, begun from the lake and the live bars if need be."""
        key = (features.content_hash, standing.state.dataset.name)
        opened = self._open.get(key)
        wanted = (standing.version, standing.revisions)
        if opened is None or (opened.version, opened.revisions) != wanted:
            live = OnlineFeatures(features, self._inputs.history(features, standing))
            opened = self._open[key] = _Open(live, *wanted)
            while len(self._open) > MAX_OPEN:
                self._open.popitem(last=False)
        self._open.move_to_end(key)
        return opened.live

    def _move_on(self, opened: _Open, standing: Standing, rows: IntArray) -> bool:
        """Bring a set to the newest live bars, of which `rows` changed; tell if a session began."""
        live, bars = opened.live, standing.bars
        session = bars.sessions[-1]
        begins = bool(session > live.session)
        newest = {name: bars.fields[name][:, -1] for name in live.features.fields}
        if begins:
            around = self._inputs.around(live.features, standing, bars.sessions[-1:])
            live.update(session, newest | {name: v[:, 0] for name, v in around.items()})
        else:
            live.revise({name: values[rows] for name, values in newest.items()}, rows=rows)
        opened.revisions = standing.revisions
        return begins

    def _vectors(self, features: FeatureSet, standing: Standing) -> FeatureVectors:
        data = f"{standing.state.dataset.name}-{standing.version[:16]}"
        return FeatureVectors(self._cache, features, data=data, ttl_seconds=self._ttl_seconds)


def _require_session(state: DatasetState, session: date) -> None:
    name, code = state.dataset.name, state.dataset.calendar
    assert state.last_session is not None
    if session <= state.last_session:
        raise ConflictError(
            f"the lake holds {name} up to {state.last_session}: {session} changes by an import"
        )
    if code is not None and not exchange_calendar(code).is_session(session):
        raise InvalidInputError(f"{session} is no session of {code}: send a trading day's bars")
