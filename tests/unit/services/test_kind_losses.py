"""Tests of the losses by which versions of each kind are told apart, by hand."""

import math
from collections.abc import Mapping
from datetime import date

import numpy as np
import pytest

from basics.errors import MissingDataError
from services.kind_losses import GROWTH, PINBALL, loss_differences, loss_series
from services.model_documents import FISSLER_ZIEGEL, QLIKE, RESULT, Manifest
from services.paired_rows import PairedRows

DAYS = np.datetime64("2022-01-03") + np.arange(2)


def _manifest(metric: str, horizon: int = 1) -> Manifest:
    return Manifest(
        name="m", estimator="e", format="f", file="x", feature_set="s", feature_hash="h",
        feature_names=(), target="t", horizon=horizon, data_version="d",
        trained_first=date(2020, 1, 1), trained_last=date(2021, 1, 1), training_rows=1,
        parameters={"confidence": 0.9}, example=(), example_prediction=0.0, metric=metric,
    )  # fmt: skip


def _rows(
    outcome: list[float],
    first: list[float],
    second: list[float],
    beside: Mapping[str, list[float]] | None = None,
) -> PairedRows:
    return PairedRows(
        ("A",), DAYS, np.array([outcome]), np.array([first]), np.array([second]),
        {name: np.array([values]) for name, values in (beside or {}).items()},
    )  # fmt: skip


def test_a_sizes_loss_is_minus_the_log_of_what_it_earned() -> None:
    kept = _rows([9.0, 9.0], [0.5, 1.0], [1.0, 1.0], {RESULT: [0.1, -0.1]})
    served = _rows([0.1, -0.1], [0.5, 1.0], [1.0, 1.0])

    for rows in (kept, served):
        first, second, sign = loss_series(rows, _manifest(GROWTH, horizon=5))[GROWTH]
        assert first == pytest.approx([-math.log(1.05), -math.log(0.9)])
        assert second == pytest.approx([-math.log(1.1), -math.log(0.9)])
        assert sign == -1
    # Sessions do not overlap, whatever the label's horizon is.
    name, days, differences = loss_differences(kept, _manifest(GROWTH, horizon=5))
    assert (name, len(days), differences[1]) == (GROWTH, 2, 0.0)


def test_a_tail_is_judged_with_its_shortfall_where_both_have_one() -> None:
    shortfalls = {"first.shortfall": [3.0, 3.0], "second.shortfall": [2.0, 2.0]}
    kept = _rows([1.0, 4.0], [2.0, 2.0], [1.5, 1.5], shortfalls)
    served = _rows([1.0, 4.0], [2.0, 2.0], [1.5, 1.5])

    both = loss_series(kept, _manifest(FISSLER_ZIEGEL))
    alone = loss_series(served, _manifest(FISSLER_ZIEGEL))

    assert (list(both), list(alone)) == ([FISSLER_ZIEGEL, PINBALL], [PINBALL])
    # Without a hit: v/e + ln ES - 1; with one: less (v - pnl) / (a e) more, all by hand.
    first = both[FISSLER_ZIEGEL][0]
    assert first[0] == pytest.approx(2 / 3 + math.log(3.0) - 1)
    assert first[1] == pytest.approx((-4.0 + 2.0) / (0.1 * -3.0) + 2 / 3 + math.log(3.0) - 1)
    # Quantile loss: a of the distance inside, 1 - a beyond.
    assert alone[PINBALL][0] == pytest.approx([0.1 * 1.0, 0.9 * 2.0])
    assert loss_differences(served, _manifest(FISSLER_ZIEGEL))[0] == PINBALL


def test_a_probability_is_judged_by_its_log_loss() -> None:
    rows = _rows([1.0, 0.0], [0.8, 0.8], [0.5, 0.5])

    first, second, _ = loss_series(rows, _manifest("log loss"))["log loss"]

    assert first == pytest.approx([-math.log(0.8), -math.log(0.2)])
    assert second == pytest.approx([math.log(2.0)] * 2)


def test_strangeness_is_judged_on_what_was_planted() -> None:
    metric = "1 - AUC on planted errors"
    rows = _rows([1.0, 0.0], [0.01, 0.6], [0.6, 0.01])

    first, second, _ = loss_series(rows, _manifest(metric))[metric]

    assert (first.mean(), second.mean()) == (0.0, 1.0)


def test_overlapping_labels_count_once_in_their_horizon() -> None:
    _, days, differences = loss_differences(
        _rows([1.0, 1.0], [1.0, 1.0], [2.0, 2.0]), _manifest(QLIKE, horizon=2)
    )

    assert len(days) == len(differences) == 1


def test_a_metric_of_ones_own_is_named_and_so_are_the_known() -> None:
    with pytest.raises(MissingDataError, match=r"m is judged by 'moonshine'.*known are squared"):
        loss_series(_rows([1.0, 1.0], [1.0, 1.0], [1.0, 1.0]), _manifest("moonshine"))
