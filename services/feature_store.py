"""Features over the lake: computed once for each state of the data, then read back."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Protocol

import numpy as np

from basics.arrays import DateArray, FloatArray
from basics.errors import InvalidInputError, MissingDataError
from basics.identifiers import content_hash
from features.panel import FeaturePanel
from features.sets import FeatureSet, feature_set
from market.panel import Panel
from services.ports import FeatureCache


class PanelSource(Protocol):
    """Where bars come from, as they were known."""

    def version(self, dataset: str) -> str:
        """Return the content hash of all rows of the dataset."""
        ...

    def panel(
        self,
        dataset: str,
        *,
        fields: Sequence[str],
        start: date | None = None,
        end: date | None = None,
        symbols: Sequence[str] | None = None,
        as_of: datetime | None = None,
    ) -> Panel:
        """Return the fields over symbols and sessions, as known at `as_of`."""
        ...


class ContextSource(Protocol):
    """Where what stands around the bars comes from."""

    def version(self, names: Sequence[str]) -> str:
        """Return the content hash of everything that the names may read."""
        ...

    def read(
        self,
        names: Sequence[str],
        symbols: Sequence[str],
        sessions: DateArray,
        *,
        as_of: datetime | None = None,
    ) -> Mapping[str, FloatArray]:
        """Return each name's values over symbols and sessions, as known at `as_of`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureStore:
    """Computes feature sets over datasets.

    Attributes
    ----------
    market : PanelSource
        For example `services.market_data.MarketData`.
    cache : FeatureCache
    context : ContextSource, optional
        For sets that read series of other datasets or reference data.
    threads : int
        Threads that a computation may use; the values do not depend on it.
    """

    market: PanelSource
    cache: FeatureCache
    context: ContextSource | None = None
    threads: int = 1

    def panel(  # noqa: PLR0913 - which set, which part of it, known when
        self,
        name: str | FeatureSet,
        dataset: str,
        *,
        start: date | None = None,
        end: date | None = None,
        symbols: Sequence[str] | None = None,
        as_of: datetime | None = None,
        again: bool = False,
    ) -> FeaturePanel:
        """Return the features of the set over `dataset`, as known at `as_of`.

        The whole history up to `end` is computed, so that the first session shown has its full
        lookback; `start` only cuts what is returned. `again` computes what is kept already.

        Raises
        ------
        MissingDataError
            If the set, the dataset, a field that the set reads, or every row is missing.
        """
        wanted = feature_set(name) if isinstance(name, str) else name
        version = self.market.version(dataset)
        key = content_hash(wanted.content_hash, dataset, version, end, symbols, as_of)
        if wanted.context_fields:
            key = content_hash(key, self._around(wanted).version(wanted.context_fields))
        panel = None if again else self.cache.load(key)
        if panel is None:
            bars = self.bars(wanted, dataset, end=end, symbols=symbols, as_of=as_of)
            panel = wanted.compute(bars, threads=self.threads)
            self.cache.save(key, panel)
        if start is None:
            return panel
        begin = int(np.searchsorted(panel.sessions, np.datetime64(start, "D")))
        return panel.window(begin, len(panel.sessions))

    def bars(  # noqa: PLR0913 - for which set, which part of it, known when
        self,
        features: FeatureSet,
        dataset: str,
        *,
        also: Sequence[str] = (),
        start: date | None = None,
        end: date | None = None,
        symbols: Sequence[str] | None = None,
        as_of: datetime | None = None,
    ) -> Panel:
        """Return all that the set reads over `dataset`, and the fields `also`.

        Raises
        ------
        MissingDataError
            If the dataset, a field, a series of the context, or every row is missing.
        """
        wanted = sorted({*features.fields, *also})
        bars = self.market.panel(
            dataset, fields=wanted, start=start, end=end, symbols=symbols, as_of=as_of
        )
        if not features.context_fields:
            return bars
        around = self._around(features).read(
            features.context_fields, bars.symbols, bars.sessions, as_of=as_of
        )
        return replace(bars, context=around)

    def _around(self, features: FeatureSet) -> ContextSource:
        if self.context is None:
            raise MissingDataError(
                f"{features.label} reads {features.context_fields[0]}: give the store a context"
            )
        return self.context

    def stream(
        self,
        name: str | FeatureSet,
        dataset: str,
        *,
        symbols: Sequence[str],
        symbols_at_once: int = 250,
        as_of: datetime | None = None,
    ) -> Iterator[FeaturePanel]:
        """Yield the features of some symbols after others, for a universe larger than memory.

        The panels are independent and not cached; in all they hold what one panel would.

        Raises
        ------
        InvalidInputError
            If the set looks across symbols, which needs all of them at once.
        """
        wanted = feature_set(name) if isinstance(name, str) else name
        if wanted.plan.whole:
            raise InvalidInputError(
                f"{wanted.label} looks across symbols and cannot be streamed: compute it whole"
            )
        for k in range(0, len(symbols), symbols_at_once):
            part = list(symbols[k : k + symbols_at_once])
            bars = self.bars(wanted, dataset, symbols=part, as_of=as_of)
            yield wanted.compute(bars, threads=self.threads)
