"""Tests of live bars: what a forming bar becomes, and what is no bar."""

import numpy as np
import pytest

from basics.errors import ConflictError, InvalidInputError, MissingDataError
from market.live_bars import LiveBars, no_live_bars, require_sound, with_trade

MONDAY, TUESDAY = np.datetime64("2022-05-02"), np.datetime64("2022-05-03")
FIELDS = ("open", "high", "low", "close", "volume")


def _empty() -> LiveBars:
    return no_live_bars(("A", "B"), FIELDS)


def _bar(close: float) -> dict[str, float]:
    return {"open": close, "high": close + 1, "low": close - 1, "close": close, "volume": 5.0}


def test_a_bar_changes_field_by_field_until_a_later_session_begins() -> None:
    bars = _empty().taking(MONDAY, {"A": _bar(10.0)}, now_microseconds=1)
    bars = bars.taking(MONDAY, {"A": {"close": 10.5}, "B": _bar(20.0)}, now_microseconds=2)
    later = bars.taking(TUESDAY, {"B": _bar(21.0)}, now_microseconds=3)

    assert bars.newest("A", MONDAY) == _bar(10.0) | {"close": 10.5}
    assert later.revision == 3
    np.testing.assert_array_equal(later.fields["close"], [[10.5, np.nan], [20.0, 21.0]])
    np.testing.assert_array_equal(later.updated, [2, 3])
    with pytest.raises(ConflictError, match="2022-05-03 has begun"):
        later.taking(MONDAY, {"A": _bar(1.0)}, now_microseconds=4)


def test_what_the_lake_holds_is_forgotten_here() -> None:
    bars = _empty().taking(MONDAY, {"A": _bar(10.0)}, now_microseconds=1)
    bars = bars.taking(TUESDAY, {"A": _bar(11.0)}, now_microseconds=2)

    left = bars.after(MONDAY)

    assert left.sessions.tolist() == [TUESDAY.item()]
    np.testing.assert_array_equal(left.fields["close"], [[11.0], [np.nan]])
    assert bars.after(MONDAY - 1) is bars


def test_a_symbol_that_the_lake_gained_stands_in_its_place() -> None:
    bars = _empty().taking(MONDAY, {"B": _bar(10.0)}, now_microseconds=1)

    wider = bars.over(("AA", "B", "C"))

    np.testing.assert_array_equal(wider.fields["close"], [[np.nan], [10.0], [np.nan]])
    np.testing.assert_array_equal(wider.updated, [0, 1, 0])


def test_trades_make_a_bar_by_hand() -> None:
    bar: dict[str, float] = {}
    for price, size in ((10.0, 100.0), (12.0, 300.0), (9.0, 100.0)):
        bar = with_trade(bar, price, size)

    # (10 * 100 + 12 * 300 + 9 * 100) / 500 = 11.
    assert bar == {
        "open": 10.0, "high": 12.0, "low": 9.0, "close": 9.0, "volume": 500.0, "vwap": 11.0
    }  # fmt: skip


@pytest.mark.parametrize(
    ("bar", "says"),
    [
        ({"close": 0.0}, "close is 0.0"),
        ({"close": -2.0}, "close is -2.0"),
        ({"close": float("nan")}, "close is nan"),
        ({"high": float("inf")}, "high is inf"),
        ({"volume": -1.0}, "volume is -1.0"),
        ({"moon": 1.0}, "no field moon"),
        ({"high": 9.0, "close": 10.0}, r"close 10.0 lies outside low -inf to high 9.0"),
        ({"high": 9.0, "low": 10.0}, r"low 10.0 lies outside"),
    ],
)
def test_what_is_no_bar_is_refused(bar: dict[str, float], says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        require_sound("A", bar, known=dict.fromkeys(FIELDS))


def test_a_volume_of_zero_is_a_bar() -> None:
    require_sound("A", _bar(10.0) | {"volume": 0.0}, known=dict.fromkeys(FIELDS))


def test_an_unknown_symbol_and_a_worthless_trade_are_refused() -> None:
    with pytest.raises(MissingDataError, match="no symbol X"):
        _empty().taking(MONDAY, {"X": _bar(1.0)}, now_microseconds=1)
    for price, size in ((0.0, 1.0), (1.0, 0.0), (float("inf"), 1.0), (float("nan"), 1.0)):
        with pytest.raises(InvalidInputError, match="a trade has a positive price and size"):
            with_trade({}, price, size)
