"""Tests of `risk.limits`."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basics.errors import InvalidInputError
from risk.limits import (
    Limit,
    LimitState,
    Observation,
    Override,
    Scope,
    evaluate,
    worst_state,
)

DAY = date(2022, 12, 28)
WEIGHT = Limit(metric="weight", scope=Scope.SYMBOL, warn=0.1, soft=0.12, hard=0.15, owner="risk")


def observe(value: float, name: str = "AAPL") -> Observation:
    return Observation("weight", Scope.SYMBOL, name, value)


@pytest.mark.parametrize(
    ("value", "state"),
    [
        (0.10, LimitState.OK),
        (0.11, LimitState.WARN),
        (0.13, LimitState.SOFT),
        (0.16, LimitState.HARD),
        (-0.16, LimitState.HARD),
    ],
)
def test_state_is_the_highest_threshold_passed(value: float, state: LimitState) -> None:
    (check,) = evaluate([WEIGHT], [observe(value)], as_of=DAY)
    assert check.state is state
    assert check.utilisation == pytest.approx(abs(value) / 0.15)
    assert check.breached is (state in (LimitState.SOFT, LimitState.HARD))


def test_a_limit_on_one_name_takes_the_place_of_the_general_one() -> None:
    tight = replace(WEIGHT, name="AAPL", warn=0.01, soft=0.02, hard=0.03)

    checks = evaluate([WEIGHT, tight], [observe(0.05), observe(0.05, "MSFT")], as_of=DAY)

    assert {c.name: c.state for c in checks} == {"AAPL": LimitState.HARD, "MSFT": LimitState.OK}


def test_override_raises_the_hard_threshold_until_it_expires() -> None:
    override = Override(hard=0.2, reason="merger", granted_by="cro", expires=DAY)
    limit = replace(WEIGHT, override=override)

    (during,) = evaluate([limit], [observe(0.16)], as_of=DAY)
    (after,) = evaluate([limit], [observe(0.16)], as_of=date(2022, 12, 29))

    assert (during.state, during.hard, during.override_reason) == (LimitState.WARN, 0.2, "merger")
    assert (after.state, after.hard, after.override_reason) == (LimitState.HARD, 0.15, None)


def test_observation_without_limit_is_not_judged() -> None:
    assert evaluate([WEIGHT], [Observation("beta", Scope.PORTFOLIO, "main", 9.0)], as_of=DAY) == ()
    assert worst_state(()) is LimitState.OK


def test_the_most_used_limit_comes_first() -> None:
    checks = evaluate([WEIGHT], [observe(0.05), observe(0.2, "B"), observe(0.1, "C")], as_of=DAY)
    assert [c.name for c in checks] == ["B", "C", "AAPL"]
    assert worst_state(checks) is LimitState.HARD


@settings(max_examples=30)
@given(st.floats(0, 1), st.floats(0, 1))
def test_more_of_a_metric_is_never_a_milder_state(a: float, b: float) -> None:
    low, high = sorted((a, b))
    states = [
        list(LimitState).index(evaluate([WEIGHT], [observe(v)], as_of=DAY)[0].state)
        for v in (low, high)
    ]
    assert states[0] <= states[1]


def test_value_that_cannot_be_judged_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="weight of AAPL is nan"):
        evaluate([WEIGHT], [observe(np.nan)], as_of=DAY)


def test_thresholds_out_of_order_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="0 < warn <= soft <= hard"):
        replace(WEIGHT, warn=0.5)
    with pytest.raises(InvalidInputError, match="does not raise"):
        replace(WEIGHT, override=Override(hard=0.1, reason="r", granted_by="g", expires=DAY))
    with pytest.raises(InvalidInputError, match="needs a reason"):
        Override(hard=1.0, reason="", granted_by="g", expires=DAY)
