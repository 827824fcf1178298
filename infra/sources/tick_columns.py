"""What users call the columns of quotes, trades, depth and rates, and how they write a side."""

from collections.abc import Mapping
from enum import StrEnum

import polars as pl

from basics.errors import InvalidInputError

SEQUENCE = "sequence"


class Kind(StrEnum):
    """What one row of a user's file is."""

    BARS = "bars"
    QUOTES = "quotes"
    TRADES = "trades"
    DEPTH = "depth"
    RATES = "rates"

    @property
    def needed(self) -> tuple[str, ...]:
        """The fields without which a row says nothing; a bar may have any, a rate has one."""
        return NEEDED[self]


NEEDED: Mapping[Kind, tuple[str, ...]] = {
    Kind.BARS: (),
    Kind.QUOTES: ("bid", "ask"),
    Kind.TRADES: ("price", "size"),
    Kind.DEPTH: ("update_id", "side", "price", "size"),
    Kind.RATES: (),
}
_SEQUENCE_NAMES = {SEQUENCE: ("sequence", "seq", "sequence number")}
_TRADE_NAMES = {
    "price": ("price", "px", "trade price", "last"),
    "size": ("size", "quantity", "qty", "amount", "volume"),
    "side": ("side", "aggressor", "taker side", "direction"),
}
TICK_NAMES: Mapping[Kind, Mapping[str, tuple[str, ...]]] = {
    Kind.QUOTES: {
        "bid": ("bid", "bid price", "bidprice", "best bid"),
        "ask": ("ask", "ask price", "askprice", "best ask", "offer"),
        "bid_size": ("bid size", "bidsize", "bid qty", "bidqty", "bid amount"),
        "ask_size": ("ask size", "asksize", "ask qty", "askqty", "ask amount"),
        **_SEQUENCE_NAMES,
    },
    Kind.TRADES: {**_TRADE_NAMES, **_SEQUENCE_NAMES},
    Kind.DEPTH: {
        "update_id": ("update id", "updateid", "u", "id", "message"),
        **_TRADE_NAMES,
        "snapshot": ("snapshot", "is snapshot"),
        **_SEQUENCE_NAMES,
    },
}
# Exchange rates: units of the base currency for one of the row's.
RATE_NAMES: Mapping[str, tuple[str, ...]] = {
    "symbol": ("currency", "ccy", "from", "symbol", "code"),
    "close": ("rate", "fx rate", "fx", "exchange rate", "close", "mid", "price", "value"),
}
_BUYING = ("bid", "b", "buy", "buyer", "long")
_SELLING = ("ask", "a", "s", "sell", "seller", "offer", "short")
# A side is +1 for the bid or a buyer who took, -1 for the ask or a seller.
KNOWN_WORDS: Mapping[str, dict[str, str]] = {
    "side": {word: "1" for word in _BUYING} | {word: "-1" for word in _SELLING},
    "snapshot": {"true": "1", "false": "0", "yes": "1", "no": "0", "t": "1", "f": "0"},
}
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def epoch_moments(text: pl.Series, time_format: str) -> pl.Series:
    """Return the moments that `text` counts from 1970 in UTC; null where it is no number.

    Raises
    ------
    InvalidInputError
        If the format is none of `epoch_s`, `epoch_ms`, `epoch_us` and `epoch_ns`.
    """
    unit = time_format.removeprefix("epoch_")
    if unit not in _PER_SECOND:
        raise InvalidInputError(
            f"unknown time format {time_format!r}: epoch_s, epoch_ms, epoch_us or epoch_ns"
        )
    per_second = _PER_SECOND[unit]
    # Nanoseconds since 1970 do not fit a float: whole numbers stay whole.
    whole = text.cast(pl.Int64, strict=False)
    exact = whole * (1_000_000 // per_second) if per_second <= 1_000_000 else whole // 1_000
    parts = (text.cast(pl.Float64, strict=False) * (1e6 / per_second)).round()
    finite = parts.set(~parts.is_finite().fill_null(value=True), None)
    counted = exact.fill_null(finite.cast(pl.Int64, strict=False))
    return counted.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
