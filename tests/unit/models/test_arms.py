"""Tests of who is asked under a split and in the shadow."""

import hashlib
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basics.errors import InvalidInputError
from models.arms import Arm, ArmPlan, Mode, Unit

DAY = date(2022, 12, 28)
PLAN = ArmPlan(plan_id="p", model="price", mode=Mode.SPLIT, control=1, treatment=2)


def test_an_entity_belongs_to_the_arm_that_its_hash_says() -> None:
    # By hand: the first eight bytes of sha256("p|AAPL"), modulo 10,000, against 5,000.
    number = int(hashlib.sha256(b"p|AAPL").hexdigest()[:16], 16) % 10_000

    expected = Arm.CHALLENGER if number < 5_000 else Arm.CHAMPION
    assert PLAN.arm_of("AAPL", DAY) is expected


@given(st.text(max_size=20), st.dates(), st.dates())
def test_an_entity_keeps_its_arm_for_good(entity: str, one: date, other: date) -> None:
    assert PLAN.arm_of(entity, one) is PLAN.arm_of(entity, other)


@given(st.floats(0.05, 0.95))
def test_the_share_is_kept_over_many_units(share: float) -> None:
    plan = replace(PLAN, share=share)
    second = sum(plan.arm_of(f"E{n}", DAY) is Arm.CHALLENGER for n in range(4000)) / 4000

    # Four standard errors of a binomial share.
    assert abs(second - share) < 4 * (share * (1 - share) / 4000) ** 0.5 + 1e-4


def test_units_drawn_anew_each_session_change_their_arm() -> None:
    plan = replace(PLAN, unit=Unit.ENTITY_SESSION)
    arms = {plan.arm_of("AAPL", date(2022, 12, day)) for day in range(1, 29)}

    assert arms == {Arm.CHAMPION, Arm.CHALLENGER}


def test_another_trial_draws_other_arms() -> None:
    other = replace(PLAN, plan_id="q")
    entities = [f"E{n}" for n in range(200)]

    assert any(PLAN.arm_of(e, DAY) is not other.arm_of(e, DAY) for e in entities)


def test_the_champion_answers_every_row_in_the_shadow() -> None:
    plan = replace(PLAN, mode=Mode.SHADOW)

    assert {plan.arm_of(f"E{n}", DAY) for n in range(50)} == {Arm.CHAMPION}
    assert plan.second_arm is Arm.SHADOW
    assert PLAN.second_arm is Arm.CHALLENGER


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, float("nan")])
def test_a_share_that_leaves_one_arm_empty_is_refused(share: float) -> None:
    with pytest.raises(InvalidInputError, match="share must lie between 0 and 1"):
        replace(PLAN, share=share)


def test_a_version_is_not_tried_against_itself() -> None:
    with pytest.raises(InvalidInputError, match="version 1 of price cannot be tried"):
        replace(PLAN, treatment=1)
