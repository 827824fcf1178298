"""Tests of `market.panel`: from long bars to arrays."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from basics.errors import InvalidInputError, MissingDataError
from market.panel import Panel, panel_from_bars

BARS = pl.DataFrame(
    {
        "symbol": ["B", "A", "B"],
        "session": [date(2022, 1, 3), date(2022, 1, 4), date(2022, 1, 4)],
        "close": [1.0, 2.0, 3.0],
    }
)


def test_a_missing_bar_is_nan() -> None:
    panel = panel_from_bars(BARS, fields=["close"])

    assert panel.symbols == ("A", "B")
    np.testing.assert_array_equal(panel["close"], [[np.nan, 2.0], [1.0, 3.0]])
    assert panel["close"].flags.c_contiguous


def test_until_a_session_leaves_out_what_came_later() -> None:
    panel = panel_from_bars(BARS, fields=["close"]).until(np.datetime64("2022-01-03"))
    np.testing.assert_array_equal(panel["close"], [[np.nan], [1.0]])


def test_simulated_fields_keep_their_mark() -> None:
    panel = panel_from_bars(BARS, fields=["close"], simulated=frozenset({"close", "volume"}))
    assert panel.simulated == {"close"}


def test_two_bars_for_one_session_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="stands twice"):
        panel_from_bars(pl.concat([BARS, BARS]), fields=["close"])


def test_no_bars_is_missing_data() -> None:
    with pytest.raises(MissingDataError, match="import data"):
        panel_from_bars(BARS.clear(), fields=["close"])


def test_an_unknown_field_names_the_known_ones() -> None:
    with pytest.raises(MissingDataError, match="no field 'open'; it has close"):
        panel_from_bars(BARS, fields=["close"])["open"]


def test_sessions_must_increase() -> None:
    days = np.array(["2022-01-04", "2022-01-03"], dtype="datetime64[D]")
    with pytest.raises(InvalidInputError, match="strictly increasing"):
        Panel(("A",), days, {"close": np.ones((1, 2))})
