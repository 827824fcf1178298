"""Fills folded as columns equal fills booked one by one, to the cent and to the lot."""

from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basics.errors import MissingDataError
from basics.instruments import Instrument, InstrumentKind
from basics.trading import Book, Fill
from pnl.bulk import fold_fills
from pnl.ledger import Ledger
from pnl.lots import CostMethod
from pnl.postings import Account, Entry

D = Decimal
INSTRUMENTS = {
    "AAA": Instrument(symbol="AAA"),
    "FUT": Instrument(symbol="FUT", kind=InstrumentKind.FUTURE, multiplier=D(50)),
}
MOMENT = datetime(2022, 3, 1, 15, 0, 0, 123456, tzinfo=UTC)
TRADES = st.lists(
    st.tuples(
        st.sampled_from(["AAA", "FUT"]),
        st.sampled_from(["one", "two"]),
        st.integers(-30, 30).filter(bool),
        st.decimals(D("0.01"), D(500), places=2),
        st.decimals(D(0), D(5), places=3),
    ),
    min_size=1,
    max_size=40,
)
Trade = tuple[str, str, int, Decimal, Decimal]


def fills_of(trades: list[Trade]) -> list[Fill]:
    return [
        Fill(
            venue='S"IM', exec_id=str(i), cl_ord_id="o", book=Book("Fund", "Core", strategy, "acc"),
            symbol=symbol, quantity=D(quantity), price=price, fee=fee, executed_at=MOMENT,
        )
        for i, (symbol, strategy, quantity, price, fee) in enumerate(trades)
    ]  # fmt: skip


def frame_of(fills: list[Fill]) -> pl.DataFrame:
    rows = [
        {
            "venue": f.venue, "exec_id": f.exec_id, "cl_ord_id": f.cl_ord_id, "symbol": f.symbol,
            "fund": f.book.fund, "portfolio": f.book.portfolio, "strategy": f.book.strategy,
            "account": f.book.account, "currency": f.currency, "quantity": str(f.quantity),
            "price": str(f.price), "fee": str(f.fee), "executed_at": f.executed_at,
        }
        for f in fills
    ]  # fmt: skip
    return pl.DataFrame(rows).with_columns(
        pl.col("quantity", "price", "fee").cast(pl.Decimal(20, 4)),
        pl.col("executed_at").dt.cast_time_unit("us"),
    )


def amounts(entry: Entry, account: Account) -> Decimal:
    return sum((p.amount for p in entry.postings if p.account is account), D(0))


@settings(max_examples=60, deadline=None)
@given(TRADES, st.sampled_from(list(CostMethod)))
def test_columns_equal_the_ledger(trades: list[Trade], method: CostMethod) -> None:
    fills = fills_of(trades)
    ledger = Ledger(INSTRUMENTS, method=method)
    entries = ledger.book_all(fills)

    folded = fold_fills(frame_of(fills), INSTRUMENTS, method=method)

    for column, account in (
        (folded.cash, Account.CASH),
        (folded.inventory, Account.INVENTORY),
        (folded.realised, Account.REALISED),
        (folded.fees, Account.FEES),
    ):
        assert column == [amounts(entry, account) for entry in entries]
    for (book, symbol), lots in zip(folded.keys, folded.open_lots, strict=True):
        assert lots == ledger.position(book, symbol).lots


def test_an_unknown_instrument_is_named() -> None:
    fills = frame_of(fills_of([("AAA", "one", 1, D(1), D(0))]))

    with pytest.raises(MissingDataError, match="unknown instrument 'AAA'"):
        fold_fills(fills, {})
