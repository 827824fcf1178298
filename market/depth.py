"""Rebuild an order book from its depth messages; a lost message is found, never papered over.

Messages of one symbol carry ids that rise by one. A message whose id is not the next one leaves
the book unknown until a snapshot; one whose id is old is a repetition and is skipped.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from basics.errors import InvalidInputError
from market.datasets import EVENT_TIME

BID, ASK = 1, -1


@dataclass(frozen=True, slots=True)
class Level:
    """The new size of one level; size 0 removes it."""

    side: int
    price: float
    size: float


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a depth feed: all its changes hold at once."""

    update_id: int
    levels: tuple[Level, ...]
    snapshot: bool = False
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Messages that never came: ids `first` to `last`."""

    first: int
    last: int


@dataclass(slots=True)
class _Side:
    """One side's levels; the best is on top of a heap whose removed prices are dropped late."""

    sign: int
    sizes: dict[float, float] = field(default_factory=dict)
    heap: list[float] = field(default_factory=list)

    def put(self, price: float, size: float) -> None:
        if size == 0:
            self.sizes.pop(price, None)
            return
        if price not in self.sizes:
            heapq.heappush(self.heap, -self.sign * price)
        self.sizes[price] = size

    def best(self) -> tuple[float, float] | None:
        while self.heap:
            price = -self.sign * self.heap[0]
            if price in self.sizes:
                return price, self.sizes[price]
            heapq.heappop(self.heap)
        return None

    def levels(self, count: int) -> list[tuple[float, float]]:
        prices = sorted(self.sizes, reverse=self.sign == BID)[:count]
        return [(price, self.sizes[price]) for price in prices]


@dataclass(slots=True)
class Book:
    """The order book of one symbol.

    Attributes
    ----------
    known : bool
        Whether every message since the last snapshot came.
    gaps : list of Gap
        What was lost so far.
    """

    known: bool = False
    gaps: list[Gap] = field(default_factory=list)
    last_id: int | None = None
    _bids: _Side = field(default_factory=lambda: _Side(BID))
    _asks: _Side = field(default_factory=lambda: _Side(ASK))

    def apply(self, message: Message) -> bool:
        """Apply `message`; return whether the book is known after it.

        Raises
        ------
        InvalidInputError
            If a level has no side, or a price or size that is negative or not a number.
        """
        if not message.snapshot and self.last_id is not None and message.update_id <= self.last_id:
            return self.known
        if message.snapshot:
            self._bids, self._asks, self.known = _Side(BID), _Side(ASK), True
        elif self.last_id is None or message.update_id != self.last_id + 1:
            if self.last_id is not None:
                self.gaps.append(Gap(self.last_id + 1, message.update_id - 1))
            self.known = False
        self.last_id = message.update_id
        for level in message.levels:
            _check(level, message)
            (self._bids if level.side == BID else self._asks).put(level.price, level.size)
        return self.known

    def best_bid(self) -> tuple[float, float] | None:
        """Return (price, size) of the highest bid; None if there is none or the book is unknown."""
        return self._bids.best() if self.known else None

    def best_ask(self) -> tuple[float, float] | None:
        """Return (price, size) of the lowest ask; None if there is none or the book is unknown."""
        return self._asks.best() if self.known else None

    def bids(self, count: int) -> list[tuple[float, float]]:
        """Return up to `count` bids, best first; none if the book is unknown."""
        return self._bids.levels(count) if self.known else []

    def asks(self, count: int) -> list[tuple[float, float]]:
        """Return up to `count` asks, best first; none if the book is unknown."""
        return self._asks.levels(count) if self.known else []

    @property
    def crossed(self) -> bool:
        """Whether the best bid is not below the best ask, which no venue leaves standing."""
        bid, ask = self.best_bid(), self.best_ask()
        return bid is not None and ask is not None and bid[0] >= ask[0]


def messages(rows: pl.DataFrame) -> Iterable[Message]:
    """Yield the messages of one symbol's depth rows (`market.ticks`), in order of `sequence`."""
    ordered = rows.sort("sequence")
    for _, group in ordered.group_by("update_id", maintain_order=True):
        levels = tuple(
            Level(int(side), price, size)
            for side, price, size in group.select("side", "price", "size").iter_rows()
        )
        snapshot = bool(group["snapshot"][0])
        yield Message(int(group["update_id"][0]), levels, snapshot, group[EVENT_TIME][0])


def top_of_book(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the best bid and ask after each message of one symbol; null while unknown.

    Returns
    -------
    DataFrame
        update_id, event_time, bid, bid_size, ask, ask_size, known.
    """
    book = Book()
    out = []
    for message in messages(rows):
        known = book.apply(message)
        bid, ask = book.best_bid() or (None, None), book.best_ask() or (None, None)
        out.append((message.update_id, message.at, *bid, *ask, known))
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "update_id": pl.Int64,
        EVENT_TIME: rows.schema[EVENT_TIME],
        "bid": pl.Float64,
        "bid_size": pl.Float64,
        "ask": pl.Float64,
        "ask_size": pl.Float64,
        "known": pl.Boolean,
    }
    return pl.DataFrame(out, schema=schema, orient="row")


def find_gaps(rows: pl.DataFrame) -> tuple[Gap, ...]:
    """Return the ids that are missing between the messages of one symbol; snapshots end none."""
    ids = rows.sort("sequence").select("update_id").unique(maintain_order=True)
    steps = ids.with_columns(pl.col("update_id").shift(1).alias("_before"))
    lost = steps.filter(pl.col("update_id") > pl.col("_before") + 1)
    return tuple(Gap(int(before) + 1, int(this) - 1) for this, before in lost.iter_rows())


def _check(level: Level, message: Message) -> None:
    sound = level.side in (BID, ASK) and level.price > 0 and level.size >= 0
    if not sound:  # NaN compares false, so it ends here too.
        raise InvalidInputError(f"message {message.update_id} has an impossible level {level}")
