"""Each kind of bad input on its way in: what the import says of it, what lands, what a panel shows.

The operators, the sets and the live path have theirs beside them (`features/test_bad_input.py`,
`features/test_bad_bars.py`, `market/test_live_bars.py`, `services/test_online_store.py`); the table
in docs/features.md states all of it.
"""

import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from basics.errors import InvalidInputError
from features.sets import feature_set
from market.datasets import Dataset
from market.panel import panel_from_bars
from services.market_data import MarketData
from tests.unit.infra.test_import_files import imported, listed, market

__all__ = ["market"]  # The fixture.

NAN = math.nan
DAYS = [date(2022, 1, 3) + timedelta(days=n) for n in range(12)]
SOUND = {day: "10,11,9,10,1000" for day in DAYS}


def _write(path: Path, lines: list[tuple[object, str]]) -> Path:
    text = "".join(f"{day},AAA,{bar}\n" for day, bar in lines)
    path.write_text("date,symbol,open,high,low,close,volume\n" + text)
    return path


def _with(changes: dict[int, str | None]) -> list[tuple[object, str]]:
    """Return twelve sound days with some changed; None leaves the day out."""
    bars = [(day, changes.get(n, SOUND[day])) for n, day in enumerate(DAYS)]
    return [(day, bar) for day, bar in bars if bar is not None]


def _closes(market: MarketData) -> list[float]:
    return market.panel("mine", fields=("close",))["close"][0].tolist()


CASES: dict[str, tuple[list[tuple[object, str]], list[tuple[int, str]]]] = {
    "missing close": (_with({5: "10,11,9,NaN,1000"}), [(7, "close-present")]),
    "infinite close": (
        _with({5: "10,11,9,inf,1000"}),
        [(7, "bar-order; close-present; prices-positive")],
    ),
    "infinite high": (_with({5: "10,inf,9,10,1000"}), [(7, "prices-positive")]),
    "infinite volume": (_with({5: "10,11,9,10,inf"}), [(7, "volume-not-negative")]),
    "zero price": (_with({5: "0,0,0,0,1000"}), [(7, "prices-positive")]),
    "negative price": (_with({5: "10,11,-9,10,1000"}), [(7, "prices-positive")]),
    "negative volume": (_with({5: "10,11,9,10,-5"}), [(7, "volume-not-negative")]),
    "unsorted": (
        [*_with({})[:5], *_with({})[6:], _with({})[5]],
        [(13, "in-order")],
    ),
    "duplicated": ([*_with({})[:6], *_with({})[5:]], [(8, "key-unique")]),
}


@pytest.mark.parametrize("name", CASES)
def test_a_bad_row_is_set_aside_by_name_and_is_a_hole_in_the_panel(
    market: MarketData, tmp_path: Path, name: str
) -> None:
    lines, expected = CASES[name]
    report = imported(market, _write(tmp_path / "bars.csv", lines))

    assert listed(report) == expected
    closes = _closes(market)
    if name == "duplicated":
        assert closes == [10.0] * 12  # The first of the two stays.
    else:
        assert closes == [10.0] * 11  # No row: no session of the panel at all.


def test_a_gap_lands_and_is_a_hole_where_another_symbol_trades(
    market: MarketData, tmp_path: Path
) -> None:
    path = _write(tmp_path / "bars.csv", _with({5: None}))
    other = "".join(f"{day},BBB,20,21,19,20,1000\n" for day in DAYS)
    path.write_text(path.read_text() + other)

    assert imported(market, path).rejected == 0

    closes = market.panel("mine", fields=("close",))["close"]
    np.testing.assert_array_equal(np.isnan(closes[0]), [n == 5 for n in range(12)])
    np.testing.assert_array_equal(closes[1], [20.0] * 12)


def test_zero_volume_is_a_bar(market: MarketData, tmp_path: Path) -> None:
    report = imported(market, _write(tmp_path / "bars.csv", _with({5: "10,10,10,10,0"})))

    assert (report.new, report.rejected) == (12, 0)
    features = feature_set("liquidity")
    values = features.compute(market.panel("mine", fields=features.fields)).values
    assert not np.isinf(values).any()


def test_a_symbol_with_three_rows_lands_and_its_whole_windows_never_come(
    market: MarketData, tmp_path: Path
) -> None:
    path = _write(tmp_path / "bars.csv", _with({}))
    path.write_text(path.read_text() + "".join(f"{d},CCC,5,5,5,5,9\n" for d in DAYS[-3:]))

    assert imported(market, path).new == 15

    panel = market.panel("mine", fields=("open", "high", "low", "close", "volume"))
    whole, shorter = feature_set("close_momentum"), feature_set("alpha157")
    row = panel.symbols.index("CCC")
    # A month's return needs a month; Alpha158's windows are as long as the history.
    assert np.isnan(whole.compute(panel)["return_5"][row]).all()
    assert shorter.compute(panel)["MA20"][row, -3:].tolist() == [1.0, 1.0, 1.0]
    assert np.isnan(shorter.compute(panel)["MA20"][row, :-3]).all()


def test_times_of_several_zones_are_one_moment_in_utc(market: MarketData, tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    path.write_text(
        "time,symbol,close\n"
        "2022-01-03T09:30:00-05:00,AAA,1\n"
        "2022-01-03T15:31:00+01:00,AAA,2\n"
        "2022-01-03T14:32:00Z,AAA,3\n"
    )

    assert imported(market, path).rejected == 0

    stamps = market.bars("mine").sort("close").collect()["event_time"].to_list()
    assert stamps == [datetime(2022, 1, 3, 14, 30 + n, tzinfo=UTC) for n in range(3)]


def test_a_time_without_a_zone_among_zoned_ones_is_refused(
    market: MarketData, tmp_path: Path
) -> None:
    path = tmp_path / "bars.csv"
    path.write_text(
        "time,symbol,close\n2022-01-03T09:30:00-05:00,AAA,1\n2022-01-03T09:31:00,AAA,2\n"
    )

    with pytest.raises(InvalidInputError, match="state no time zone: give --timezone"):
        imported(market, path)


def test_a_source_may_stamp_in_any_zone_but_not_in_none() -> None:
    dataset = Dataset(name="mine", fields=("close",), calendar=None)
    new_york = pl.Series([datetime(2022, 1, 3, 21, tzinfo=UTC)]).dt.convert_time_zone(
        "America/New_York"
    )
    rows = pl.DataFrame(
        {"symbol": ["A"], "session": [date(2022, 1, 3)], "event_time": new_york,
         "knowledge_time": new_york, "close": [1.0]}
    )  # fmt: skip

    assert dataset.conform(rows)["event_time"][0] == datetime(2022, 1, 3, 21, tzinfo=UTC)
    naive = rows.with_columns(pl.col("event_time").dt.replace_time_zone(None))
    with pytest.raises(InvalidInputError, match="event_time states no time zone"):
        dataset.conform(naive)


@pytest.mark.parametrize(
    ("value", "told"), [(None, NAN), (NAN, NAN), (math.inf, math.inf), (0.0, 0.0), (-3.0, -3.0)]
)
def test_a_panel_keeps_what_the_lake_holds_and_sorts_it(value: float | None, told: float) -> None:
    rows = pl.DataFrame({"symbol": ["B", "A", "A"], "session": [DAYS[1], DAYS[1], DAYS[0]]})
    panel = panel_from_bars(
        rows.with_columns(pl.Series("close", [2.0, value, 1.0], dtype=pl.Float64)),
        fields=("close",),
    )

    np.testing.assert_array_equal(panel["close"], [[1.0, told], [NAN, 2.0]])
    # What is not finite counts as missing in every feature.
    one = feature_set("alpha157").compute
    fields = {name: panel["close"] for name in ("open", "high", "low", "close", "volume")}
    values = one(type(panel)(panel.symbols, panel.sessions, fields)).values
    assert not np.isinf(values).any()
