"""Tests of `market.actions`: by hand, as of a moment, and against a vendor's adjusted closes."""

from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

from basics.errors import InvalidInputError, MissingDataError
from infra.sources.sample import SampleSource
from market.actions import CorporateAction, Purpose, action_table, adjust, infer_actions

MONDAY, TUESDAY, WEDNESDAY = (date(2022, 5, day) for day in (2, 3, 4))
SPLIT = CorporateAction(
    symbol="A", session=TUESDAY, split=4.0, known_at=datetime(2022, 4, 1, tzinfo=UTC)
)
DIVIDEND = CorporateAction(
    symbol="A", session=WEDNESDAY, dividend=0.5, known_at=datetime(2022, 5, 3, tzinfo=UTC)
)
BARS = pl.DataFrame(
    {
        "symbol": ["A", "A", "A", "B"],
        "session": [MONDAY, TUESDAY, WEDNESDAY, MONDAY],
        "close": [100.0, 25.0, 24.5, 7.0],
        "volume": [10.0, 40.0, 40.0, 5.0],
    }
)


def test_a_split_and_a_dividend_by_hand() -> None:
    actions = action_table([SPLIT, DIVIDEND])

    returns = adjust(BARS, actions, purpose=Purpose.RETURNS)
    splits = adjust(BARS, actions, purpose=Purpose.SPLITS)

    # The dividend of 0.5 on 25 keeps 98%; the split divides by 4.
    assert returns["close"].to_list() == pytest.approx([24.5, 24.5, 24.5, 7.0])
    assert splits["close"].to_list() == [25.0, 25.0, 24.5, 7.0]
    assert splits["volume"].to_list() == [40.0, 40.0, 40.0, 5.0]


def test_as_traded_changes_nothing() -> None:
    assert adjust(BARS, action_table([SPLIT]), purpose=Purpose.AS_TRADED).equals(BARS)


def test_an_action_that_was_not_known_does_not_adjust() -> None:
    then = adjust(
        BARS,
        action_table([SPLIT, DIVIDEND]),
        purpose=Purpose.RETURNS,
        as_of=datetime(2022, 4, 30, tzinfo=UTC),
    )

    assert then["close"].to_list() == [25.0, 25.0, 24.5, 7.0]


def test_an_ex_date_after_the_last_bar_does_not_adjust() -> None:
    then = adjust(
        BARS.filter(pl.col("session") == MONDAY), action_table([SPLIT]), purpose=Purpose.SPLITS
    )

    assert then["close"].to_list() == [100.0, 7.0]


def test_inferred_actions_give_the_vendors_returns_back() -> None:
    bars = next(SampleSource(seed=1).read("equities_ohlcv"))

    actions = infer_actions(bars)
    adjusted = adjust(bars, actions, purpose=Purpose.RETURNS).sort("symbol", "session")

    ratio = (adjusted["close"] / bars.sort("symbol", "session")["adj_close"]).to_numpy()
    by_symbol = adjusted["symbol"].to_numpy()
    for symbol in np.unique(by_symbol):
        own = ratio[by_symbol == symbol]
        assert own.max() / own.min() - 1 < 2e-3, symbol  # One constant: the same returns.


def test_the_splits_of_the_sample_are_the_ones_that_happened() -> None:
    actions = infer_actions(next(SampleSource(seed=1).read("equities_ohlcv")))

    splits = actions.filter(pl.col("split") != 1).sort("symbol", "session")

    assert splits.select("symbol", "session", "split").rows() == [
        ("AAPL", date(2000, 6, 21), 2.0),
        ("AAPL", date(2005, 2, 28), 2.0),
        ("MSFT", date(2003, 2, 18), 2.0),
    ]


def test_a_dividend_without_a_close_before_it_is_missing_data() -> None:
    holes = BARS.with_columns(
        pl.when(pl.col("session") == TUESDAY).then(None).otherwise("close").alias("close")
    )
    with pytest.raises(MissingDataError, match="A: no close before the ex-date 2022-05-04"):
        adjust(holes, action_table([DIVIDEND]), purpose=Purpose.RETURNS)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [({"split": 0.0}, "split must be positive"), ({"dividend": -1.0}, "must not be negative")],
)
def test_an_impossible_action_is_refused(change: dict[str, float], complaint: str) -> None:
    with pytest.raises(InvalidInputError, match=complaint):
        CorporateAction(
            symbol="A", session=MONDAY, known_at=datetime(2022, 1, 1, tzinfo=UTC), **change
        )
