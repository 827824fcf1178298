"""Order books rebuilt from the depth messages of the lake."""

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from basics.errors import InvalidInputError, MissingDataError
from market.datasets import EVENT_TIME, SYMBOL
from market.depth import Book, Gap, messages
from market.ticks import DEPTH_FIELDS
from services.ports import BarLake


@dataclass(frozen=True, slots=True, kw_only=True)
class BookView:
    """A book after its last message before a moment.

    Attributes
    ----------
    known : bool
        False once a message was lost, until the next snapshot: there are no levels then.
    bids, asks : tuple of (price, size)
        Best first.
    gaps : tuple of Gap
        Messages of the session that never came, until that moment.
    simulated : bool
        Whether the messages were drawn, not observed.
    """

    symbol: str
    session: date
    at: datetime | None
    last_id: int | None
    known: bool
    bids: tuple[tuple[float, float], ...]
    asks: tuple[tuple[float, float], ...]
    gaps: tuple[Gap, ...]
    simulated: bool


def rebuild_book(
    lake: BarLake,
    dataset: str,
    symbol: str,
    *,
    session: date | None = None,
    at: datetime | None = None,
    levels: int = 5,
) -> BookView:
    """Rebuild the book of `symbol` from the messages of one session up to `at`.

    Parameters
    ----------
    session : date, optional
        The session of `at`, else the last one, when left out.
    at : datetime, optional
        Aware moment, its own messages included; the session's end when left out.

    Raises
    ------
    InvalidInputError
        If the dataset holds no depth messages.
    MissingDataError
        If the dataset, or every message of the symbol in that session, is missing.
    """
    state = lake.state(dataset)
    if lacking := [name for name in DEPTH_FIELDS if name not in state.dataset.fields]:
        raise InvalidInputError(
            f"{dataset} holds no depth messages: it has no {', '.join(lacking)}"
        )
    day = session or (at.date() if at is not None else state.last_session)
    rows = lake.scan(dataset, start=day, end=day, symbols=[symbol])
    until = rows if at is None else rows.filter(pl.col(EVENT_TIME) <= at)
    found = until.collect()
    if found.is_empty() or day is None:
        raise MissingDataError(
            f"{dataset} has no message of {symbol} on {day}" + (f" until {at}" if at else "")
        )
    book = Book()
    last = None
    for message in messages(found.drop(SYMBOL)):
        book.apply(message)
        last = message.at
    return BookView(
        symbol=symbol,
        session=day,
        at=last,
        last_id=book.last_id,
        known=book.known,
        bids=tuple(book.bids(levels)),
        asks=tuple(book.asks(levels)),
        gaps=tuple(book.gaps),
        simulated=bool(state.dataset.simulated),
    )
