"""Tests of the regime kind: a known chain recovered, filtering that never looks ahead."""

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from models.regime import RegimeModel, fit_regimes, with_hysteresis


def _chain(n: int = 3000) -> tuple[np.ndarray, np.ndarray]:
    """Calm (1%) and turbulent (3%) spells that last 100 and 50 sessions."""
    rng = np.random.default_rng(3)
    state = np.zeros(n, dtype=int)
    for t in range(1, n):
        leave = 0.01 if state[t - 1] == 0 else 0.02
        state[t] = 1 - state[t - 1] if rng.random() < leave else state[t - 1]
    return np.where(state == 0, 0.01, 0.03)[:, None] * rng.normal(size=(n, 1)), state


def test_a_known_chain_is_recovered() -> None:
    x, state = _chain()

    model = fit_regimes(x)
    told = model.filter(x).argmax(axis=1)

    assert np.sqrt(model.variance[:, 0]) == pytest.approx([0.01, 0.03], rel=0.1)
    assert np.diag(model.transition) == pytest.approx([0.99, 0.98], abs=0.01)
    assert (told == state).mean() > 0.93
    assert model.labels == ("calm", "turbulent")


def test_filtering_never_looks_ahead() -> None:
    x, _ = _chain()
    model = fit_regimes(x[:1500])

    whole, early = model.filter(x), model.filter(x[:2000])

    assert whole[:2000].tobytes() == early.tobytes()


def test_filtered_probabilities_by_hand() -> None:
    model = RegimeModel(
        np.array([0.5, 0.5]),
        np.array([[0.9, 0.1], [0.2, 0.8]]),
        np.zeros((2, 1)),
        np.array([[1.0], [4.0]]),
    )

    filtered = model.filter(np.array([[0.0], [2.0]]))

    # At 0 the densities stand as 1 : 1/2; then the chain moves; at 2 as e^-2 : e^-0.5 / 2.
    first = np.array([1.0, 0.5]) / 1.5
    prior = first @ model.transition
    joint = prior * np.array([np.exp(-2.0), np.exp(-0.5) / 2])
    assert filtered[0] == pytest.approx(first)
    assert filtered[1] == pytest.approx(joint / joint.sum())


def test_labels_keep_their_meaning_after_retraining() -> None:
    x, _ = _chain()

    first, second = fit_regimes(x[:2000]), fit_regimes(x[500:])

    agree = first.filter(x[2000:]).argmax(axis=1) == second.filter(x[2000:]).argmax(axis=1)
    assert agree.mean() > 0.95


def test_the_same_rows_give_the_same_model() -> None:
    x, _ = _chain(800)

    assert fit_regimes(x).transition.tobytes() == fit_regimes(x).transition.tobytes()


def test_the_long_run_share_of_a_chain() -> None:
    model = RegimeModel(
        np.array([0.5, 0.5]), np.array([[0.99, 0.01], [0.02, 0.98]]),
        np.zeros((2, 1)), np.ones((2, 1)),
    )  # fmt: skip

    assert model.stationary() == pytest.approx([2 / 3, 1 / 3])


def test_hysteresis_ignores_a_narrow_lead() -> None:
    turbulent = np.array([0.1, 0.6, 0.4, 0.6, 0.8, 0.4, 0.2])
    filtered = np.stack([1 - turbulent, turbulent], axis=1)

    states = with_hysteresis(filtered, enter=0.7)

    assert states.tolist() == [0, 0, 0, 0, 1, 1, 0]


def test_too_short_a_history_is_refused() -> None:
    with pytest.raises(MissingDataError, match="99 rows are too few for 2 states"):
        fit_regimes(np.zeros((99, 1)))


def test_rows_that_are_not_finite_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="finite rows"):
        fit_regimes(np.full((200, 1), np.nan))
