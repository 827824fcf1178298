"""A mark by hand values the multi-asset portfolio's risk as it values its profit."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from infra.database.engine import open_database
from infra.database.ledger import DatabaseLedgerStore
from infra.database.schema import upgrade_database
from infra.setting_groups import DatabaseSettings
from pnl.manual import InForce, ManualEntry, ManualKind, ManualState
from services.accounting import Accounting
from services.multi_asset import multi_asset_books, risk_inputs_of
from services.multi_asset_rules import CORE, MultiAssetPlan
from services.multi_asset_valuation import MultiAssetInputs, ValuedBook, value_book

WEEKDAYS = np.arange("2021-01-04", "2022-02-16", dtype="datetime64[D]")
PLAN = MultiAssetPlan(start=date(2021, 1, 4))
BOOKS = multi_asset_books(PLAN, WEEKDAYS[np.is_busday(WEEKDAYS)], seed=11)
LAST: date = BOOKS.market.sessions[-1].item()
MOMENT = datetime(2022, 2, 15, 22, tzinfo=UTC)


def mark(symbol: str, price: float, day: date = LAST) -> ManualEntry:
    return ManualEntry(
        entry_id=f"{symbol}|{day}", kind=ManualKind.MARK, book=PLAN.book(CORE), day=day,
        symbol=symbol, amount=Decimal(str(price)), currency="USD", reason="stale close",
        author="ann", proposed_at=MOMENT, state=ManualState.APPROVED, decided_by="bob",
        decided_at=MOMENT,
    )  # fmt: skip


class Desk:
    """Books in a database, and marks that change."""

    def __init__(self, accounting: Accounting) -> None:
        self.accounting = accounting
        self.marks: tuple[ManualEntry, ...] = ()
        accounting.manual = lambda _: InForce(self.marks)

    def inputs(self, *marks: ManualEntry) -> MultiAssetInputs:
        self.marks = marks
        return risk_inputs_of(BOOKS, self.accounting, previous=None)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder: Path = tmp_path_factory.mktemp("multi-asset-marks")
    database = open_database(DatabaseSettings(), state_dir=folder)
    upgrade_database(database)
    accounting = Accounting(
        store=DatabaseLedgerStore(database), instruments=BOOKS.market.instruments
    )
    accounting.book_events(BOOKS.run_id, BOOKS.events)
    yield Desk(accounting)
    database.close()


def held(desk: Desk) -> Mapping[str, float]:
    """Return the close of what is held, an option by its right."""
    closes = BOOKS.closes
    last = dict(zip(closes.symbols, closes["close"][:, -1].tolist(), strict=True))
    return {p.symbol: last[p.symbol] for p in desk.accounting.positions(BOOKS.run_id)}


def worth(inputs: MultiAssetInputs) -> tuple[ValuedBook, float]:
    valued = value_book(inputs, lookback=250)
    dollars = sum(amounts.get("USD", 0.0) for amounts in inputs.cash.values())
    return valued, float(valued.revalued.values.sum()) + dollars


def an_option(desk: Desk) -> str:
    instruments = BOOKS.market.instruments
    return next(s for s in held(desk) if instruments[s].option is not None)


@pytest.mark.parametrize("kind", ["stock", "bond in euros", "option"])
def test_risk_stands_on_the_price_that_profit_is_valued_at(desk: Desk, kind: str) -> None:
    symbol = {
        "stock": "SIM-EQ-EU", "bond in euros": "SIM-BOND-EU", "option": an_option(desk),
    }[kind]  # fmt: skip
    plain, plain_worth = worth(desk.inputs())
    marked_at = round(held(desk)[symbol] * 1.03, 6)

    inputs = desk.inputs(mark(symbol, marked_at))

    valued, marked_worth = worth(inputs)
    row = valued.revalued.symbols.index(symbol)
    assert valued.revalued.values[row] / plain.revalued.values[row] == pytest.approx(1.03, rel=1e-4)
    # As much as the books moved: profit and risk agree on what is held.
    unmarked = desk.inputs().equity.values[-1]
    assert marked_worth - plain_worth == pytest.approx(
        inputs.equity.values[-1] - unmarked, abs=0.05
    )
    assert not np.array_equal(valued.revalued.pnl[row], plain.revalued.pnl[row])
    (note,) = inputs.notes
    assert symbol in note
    assert "marked by hand" in note
    assert inputs.life[-1].snapshot.prices == inputs.snapshot.prices
    assert inputs.life[-1].snapshot.spreads == inputs.snapshot.spreads


def test_a_marked_underlying_moves_the_options_on_it(desk: Desk) -> None:
    option = an_option(desk)
    plain, _ = worth(desk.inputs())
    underlying = BOOKS.market.instruments[option].option.underlying

    valued, _ = worth(desk.inputs(mark(underlying, held(desk)[underlying] * 1.05)))

    row = valued.revalued.symbols.index(option)
    assert valued.revalued.values[row] != plain.revalued.values[row]


def test_a_mark_that_no_volatility_gives_leaves_the_position_and_says_so(desk: Desk) -> None:
    option = an_option(desk)
    plain, _ = worth(desk.inputs())

    inputs = desk.inputs(mark(option, 1e6))

    valued, _ = worth(inputs)
    assert valued.revalued.values.tolist() == plain.revalued.values.tolist()
    (note,) = inputs.notes
    assert "its risk stands on the price of the market: no volatility gives a price" in note


def test_a_mark_of_another_day_moves_that_day_of_its_life_alone(desk: Desk) -> None:
    plain = desk.inputs()
    day = plain.life[-3].session

    inputs = desk.inputs(mark("SIM-EQ-US", 1.0, day))

    assert inputs.notes == ()
    assert inputs.snapshot.prices == plain.snapshot.prices
    assert inputs.life[-3].snapshot.prices["SIM-EQ-US"] == 1.0
    assert inputs.life[-2].snapshot.prices == plain.life[-2].snapshot.prices
