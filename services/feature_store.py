"""Features over the lake: computed once for each state of the data, then read back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

import numpy as np

from basics.errors import InvalidInputError
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


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureStore:
    """Computes feature sets over datasets.

    Attributes
    ----------
    market : PanelSource
        For example `services.market_data.MarketData`.
    cache : FeatureCache
    threads : int
        Threads that a computation may use; the values do not depend on it.
    """

    market: PanelSource
    cache: FeatureCache
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
        panel = None if again else self.cache.load(key)
        if panel is None:
            bars = self.market.panel(
                dataset, fields=wanted.fields, end=end, symbols=symbols, as_of=as_of
            )
            panel = wanted.compute(bars, threads=self.threads)
            self.cache.save(key, panel)
        if start is None:
            return panel
        begin = int(np.searchsorted(panel.sessions, np.datetime64(start, "D")))
        return panel.window(begin, len(panel.sessions))

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
            bars = self.market.panel(dataset, fields=wanted.fields, symbols=part, as_of=as_of)
            yield wanted.compute(bars, threads=self.threads)
