"""Tests of `services.score_study`: chosen early, judged late."""

import numpy as np
import pytest

from basics.arrays import FloatArray
from basics.errors import MissingDataError
from risk.score_history import VOLATILITY_DECAY
from services.risk_inputs import History
from services.score_study import CHOSEN_UNTIL, DECAYS, study_score, universe_books

SESSIONS = np.arange(np.datetime64("1990-01-01"), np.datetime64("2012-01-01"))
SESSIONS = SESSIONS[np.is_busday(SESSIONS)]


def clustered(seed: int) -> FloatArray:
    """Return calm returns with a storm every four years, in both parts of history."""
    rng = np.random.default_rng(seed)
    storm = (np.arange(len(SESSIONS)) % 1000) > 850
    return rng.normal(0.0004 - 0.0012 * storm, np.where(storm, 0.025, 0.007))


def history(seed: int) -> History:
    return History(SESSIONS, clustered(seed))


def test_the_choice_reads_nothing_after_its_day_and_the_judgement_nothing_before() -> None:
    books = {"a": history(1), "b": history(2)}
    study = study_score(books, {"index": history(3)}, drawdown_limit=0.2)

    late = np.datetime64(CHOSEN_UNTIL) <= SESSIONS
    changed = {
        name: History(SESSIONS, np.where(late, clustered(seed + 10), series.values))
        for seed, (name, series) in enumerate(books.items())
    }
    again = study_score(changed, {"index": history(3)}, drawdown_limit=0.2)

    assert study.early == again.early
    assert (study.intercept, study.slope) == (again.intercept, again.slope)
    assert study.slope > 0
    assert all(row.n_books == 2 for row in study.early)
    assert [row.decay for row in study.early] == list(DECAYS)
    assert study.chosen in DECAYS
    assert study.in_use == VOLATILITY_DECAY
    assert study.late != again.late
    (index, *_) = study.late
    assert index.untouched
    assert index.n_days <= int(late.sum())
    assert sum(b.count for b in index.reliability) == index.n_days
    observed = sum(b.observed * b.count for b in index.reliability) / index.n_days
    assert index.base_rate == pytest.approx(observed)


def test_the_shared_curve_is_that_of_all_books_together_and_knows_no_later_outcome() -> None:
    books = {"a": history(1), "b": history(2)}
    study = study_score(books, {}, drawdown_limit=0.2)
    one = study_score({"a": history(1)}, {}, drawdown_limit=0.2)
    twice = study_score({"a": history(1), "again": history(1)}, {}, drawdown_limit=0.2)

    assert (study.intercept, study.slope) != (one.intercept, one.slope)
    assert (twice.intercept, twice.slope) == pytest.approx((one.intercept, one.slope), abs=0.02)


def test_books_that_never_breach_cannot_choose() -> None:
    calm = {"calm": History(SESSIONS, np.full(len(SESSIONS), 0.0001))}
    with pytest.raises(MissingDataError, match="no book reaches a drawdown of 20% often enough"):
        study_score(calm, calm, drawdown_limit=0.2)


def test_books_of_the_universe_are_long_and_fully_invested() -> None:
    books = universe_books(np.full((4, 3), 0.01), rng=np.random.default_rng(0))
    assert len(books) == 13
    for returns in books.values():
        assert returns == pytest.approx(np.full(3, 0.01))
