"""Many fills at once, as columns: the lots and postings of the ledger, without an object a row.

A million fills pass through one loop over Decimals; a test holds the outcome equal to
`pnl.ledger` fill by fill. Rows must be in the order of booking and already accepted (see
`services.pnl_imports` for what is rejected).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import polars as pl

from basics.errors import MissingDataError
from basics.instruments import Instrument
from basics.money import round_money
from basics.trading import Book, Fill
from pnl.lots import ZERO, CostMethod, Lot, Lots
from pnl.position_state import MARGINED

KEY_COLUMNS = ("fund", "portfolio", "strategy", "account", "symbol")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldedFills:
    """What each fill did to the books; lists of one element a fill, signed as postings are.

    Attributes
    ----------
    keys : tuple of (Book, str)
        The positions, numbered by `key_of`.
    open_lots : tuple of tuple of Lot
        What each position has open at the end.
    """

    keys: tuple[tuple[Book, str], ...]
    key_of: Sequence[int]
    cash: list[Decimal]
    inventory: list[Decimal]
    realised: list[Decimal]
    fees: list[Decimal]
    open_lots: tuple[tuple[Lot, ...], ...]


def fold_fills(
    fills: pl.DataFrame,
    instruments: Mapping[str, Instrument],
    *,
    method: CostMethod = CostMethod.FIFO,
) -> FoldedFills:
    """Fold fills in row order, each position from flat.

    Parameters
    ----------
    fills : DataFrame
        Text columns `fund`, `portfolio`, `strategy`, `account`, `symbol`, and `quantity`
        (signed, not zero), `price`, `fee` as polars Decimal.

    Raises
    ------
    MissingDataError
        If an instrument is unknown.
    """
    keys = fills.select(KEY_COLUMNS).unique(maintain_order=True).with_row_index("key")
    key_of = fills.select(KEY_COLUMNS).join(
        keys, on=list(KEY_COLUMNS), how="left", maintain_order="left"
    )["key"]
    positions = [(Book(*row[:4]), row[4]) for row in keys.select(KEY_COLUMNS).iter_rows()]
    states = [_state(symbol, instruments, method) for _, symbol in positions]
    # One position after another, each in row order: its lots stay near, which halves the time.
    order = np.argsort(key_of.to_numpy(), kind="stable")
    columns = [_decimals(fills[name][order]) for name in ("quantity", "price", "fee")]
    rows = zip(order.tolist(), key_of[order].to_list(), *columns, strict=True)
    cash, inventory, realised, fees = _fold(states, rows, len(fills))
    return FoldedFills(
        keys=tuple(positions), key_of=key_of.to_list(), cash=cash, inventory=inventory,
        realised=realised, fees=fees, open_lots=tuple(state[0].open for state in states),
    )  # fmt: skip


def fills_of_columns(fills: pl.DataFrame) -> list[Fill]:
    """Return the rows as fills, in order."""
    own = ("venue", "exec_id", "cl_ord_id", "symbol", "quantity", "price", "executed_at",
           "currency", "fee")  # fmt: skip
    return [
        Fill(
            book=Book(*(row[name] for name in KEY_COLUMNS[:4])), **{name: row[name] for name in own}
        )
        for row in fills.iter_rows(named=True)
    ]


_State = tuple[Lots, Decimal, Decimal, bool]


def _state(symbol: str, instruments: Mapping[str, Instrument], method: CostMethod) -> _State:
    instrument = instruments.get(symbol)
    if instrument is None:
        raise MissingDataError(
            f"unknown instrument {symbol!r}: add it to the instrument master first"
        )
    cent = round_money(ZERO, instrument.currency)
    margined = instrument.kind in MARGINED
    return Lots(method, cent=cent), instrument.multiplier, cent, margined


def _decimals(column: pl.Series) -> list[Decimal]:
    """Return the column as a list in which equal numbers are one object, made once."""
    distinct = column.unique().sort().to_list()
    return [distinct[rank - 1] for rank in column.rank("dense").to_list()]


def _fold(
    states: Sequence[_State], rows: "zip[tuple[int, int, Decimal, Decimal, Decimal]]", count: int
) -> tuple[list[Decimal], ...]:
    """Return cash, inventory, realised and fee of each of `count` rows, by number of row."""
    found: tuple[list[Decimal], ...] = tuple([ZERO] * count for _ in range(4))
    cash, inventory, realised, fees = found
    for row, key, quantity, price, paid in rows:
        lots, multiplier, cent, margined = states[key]
        amount = (quantity * price * multiplier).quantize(cent, ROUND_HALF_EVEN)
        before = lots.cost
        gained = lots.trade(quantity, amount)
        carried = ZERO if margined else lots.cost - before
        fees[row] = fee = paid.quantize(cent, ROUND_HALF_EVEN)
        cash[row] = gained - carried - fee
        inventory[row] = carried
        realised[row] = -gained
    return found
