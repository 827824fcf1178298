"""Tests of `risk.held_laws`: scenarios drawn ahead give each book the law drawn for it alone."""

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from risk.held_laws import HeldLaws, HeldScenarios, draw_joint_laws, hold_joint_laws
from risk.joint import LAWS, Draws, joint_law

DRAWS = Draws(seed=5, n_scenarios=1024)
PAST = np.random.default_rng(2).standard_t(5, size=(7, 400)) * 0.01
BOOKS = np.array([[100.0, 50.0, -20.0, 0.0, 10.0, 0.0, -5.0], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 10.0]])


@pytest.mark.parametrize("name", list(LAWS))
def test_a_book_on_held_scenarios_has_the_law_that_is_drawn_for_it(name: str) -> None:
    held = hold_joint_laws(PAST, DRAWS)
    for book in BOOKS:
        drawn = joint_law(name, book[None, :], PAST, DRAWS)[0]
        law = held.of(book)[name]
        assert law.dtype == np.float32
        assert law == pytest.approx(drawn, rel=1e-4, abs=1e-5)


def test_scenarios_are_drawn_once_and_only_when_asked_for() -> None:
    drawn = []

    def draw() -> dict[str, HeldScenarios]:
        drawn.append(1)
        return {"mine": HeldScenarios(np.array([[1.0, -2.0], [0.5, 0.0]], dtype=np.float32))}

    laws = HeldLaws(draw)
    assert drawn == []
    assert laws.of(np.array([2.0, 4.0]))["mine"].tolist() == [4.0, -4.0]
    assert laws.of(np.zeros(2))["mine"].tolist() == [0.0, 0.0]
    assert drawn == [1]


def test_a_market_too_large_for_memory_has_fewer_scenarios(monkeypatch) -> None:
    monkeypatch.setattr("risk.held_laws.MAX_HELD_CELLS", 7 * 2 * 300)
    laws = hold_joint_laws(PAST, DRAWS).of(BOOKS[0])
    assert {len(law) for law in laws.values()} == {256}


def test_a_book_or_a_market_that_is_not_finite_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="exposures must be finite, got nan at 1"):
        hold_joint_laws(PAST, DRAWS).of(np.array([1.0, np.nan, 0, 0, 0, 0, 0]))
    with pytest.raises(InvalidInputError, match="must be finite, symbols x sessions"):
        draw_joint_laws(np.full_like(PAST, np.nan), DRAWS)
    with pytest.raises(MissingDataError, match="50 sessions are too few"):
        draw_joint_laws(PAST[:, :50], DRAWS)
