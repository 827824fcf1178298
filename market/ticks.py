"""Quotes, trades and depth as datasets: what each row says.

Sizes are units, prices are in the instrument's currency. `sequence` orders rows of one symbol
that share a moment. A trade's `side` is +1 where the buyer took, -1 where the seller did.
"""

from market.datasets import Dataset, Partition

QUOTE_FIELDS = ("bid", "ask", "bid_size", "ask_size")
TRADE_FIELDS = ("price", "size", "side")
# A message may change several levels: its rows share `update_id`. `size` is the level's new size,
# 0 removes it. `snapshot` 1 marks the rows of a message that replaces the whole book.
DEPTH_FIELDS = ("update_id", "side", "price", "size", "snapshot")


def quotes_dataset(name: str, *, calendar: str | None, simulated: bool, source: str) -> Dataset:
    """Describe quotes: the best bid and ask after each change."""
    return _ticks(name, QUOTE_FIELDS, calendar, simulated=simulated, source=source)


def trades_dataset(name: str, *, calendar: str | None, simulated: bool, source: str) -> Dataset:
    """Describe trades, as the venue printed them."""
    return _ticks(name, TRADE_FIELDS, calendar, simulated=simulated, source=source)


def depth_dataset(name: str, *, calendar: str | None, simulated: bool, source: str) -> Dataset:
    """Describe the changes of a book's levels, from which `market.depth` rebuilds it."""
    return _ticks(name, DEPTH_FIELDS, calendar, simulated=simulated, source=source)


def _ticks(
    name: str, fields: tuple[str, ...], calendar: str | None, *, simulated: bool, source: str
) -> Dataset:
    return Dataset(
        name=name,
        fields=fields,
        frequency="tick",
        calendar=calendar,
        partition=Partition.DAY,
        simulated=frozenset(fields if simulated else ()),
        sequence="sequence",
        source=source,
    )
