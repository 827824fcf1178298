"""Bad input to the equity path: a defined answer or an error by name, and what was left out."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from basics.errors import InvalidInputError
from market.panel import Panel
from measures.covariance import covariance_root, is_positive_semidefinite, nearest_correlation
from risk.book import Holding
from risk.profile import RiskProfile
from services.risk_inputs import History
from tests.unit.services.test_risk import SERVICE, SESSIONS, SYMBOLS, make_inputs


def closes() -> np.ndarray:
    return make_inputs().prices["close"].copy()


def profile_of(close: np.ndarray, **changes) -> RiskProfile:
    return SERVICE.profile(
        make_inputs(prices=Panel(SYMBOLS, SESSIONS, {"close": close}), **changes)
    )


def is_finite(document: object) -> bool:
    """Return whether no number anywhere in the document is NaN or infinite."""
    if isinstance(document, dict):
        return all(is_finite(value) for value in document.values())
    if isinstance(document, list | tuple):
        return all(is_finite(value) for value in document)
    return not isinstance(document, float) or bool(np.isfinite(document))


def rest_is_measured(profile: RiskProfile, left_out: list[str]) -> None:
    assert [row.symbol for row in profile.left_out] == left_out
    assert all(row.reason for row in profile.left_out)
    assert is_finite(msgspec.to_builtins(profile))
    if len(left_out) < len(profile.positions):
        assert all(t.value_at_risk > 0 for t in profile.tails if t.confidence == 0.99)
        assert profile.stresses


def test_a_column_of_nothing_but_nan_is_left_out_by_name() -> None:
    close = closes()
    close[1] = np.nan
    profile = profile_of(close, exposures=None)
    rest_is_measured(profile, ["BBB"])
    assert "no price in the lookback" in profile.left_out[0].reason


def test_a_symbol_without_a_price_today_is_left_out_by_name() -> None:
    close = closes()
    close[0, -200:] = np.nan
    rest_is_measured(profile_of(close, exposures=None), ["AAA"])


def test_a_constant_series_has_no_risk_of_its_own_and_hides_nothing() -> None:
    close = closes()
    close[2] = 50.0
    profile = profile_of(close)
    rest_is_measured(profile, [])
    still = next(p for p in profile.positions if p.symbol == "CCC")
    assert still.component_es == 0.0
    assert still.incremental_var == pytest.approx(0.0, abs=1e-6)


def test_a_book_that_never_moves_has_a_profile_without_risk() -> None:
    close = np.full_like(closes(), 50.0)
    profile = profile_of(close, exposures=None)
    assert is_finite(msgspec.to_builtins(profile))
    assert {round(t.value_at_risk, 9) for t in profile.tails} == {0.0}
    assert profile.measures.absorption_ratio is None


def test_two_symbols_that_are_one_make_a_singular_matrix_that_is_measured() -> None:
    close = closes()
    close[1] = 2.0 * close[0]
    profile = profile_of(close)
    rest_is_measured(profile, [])
    views = {view.estimate: view for view in profile.covariances}
    assert views["sample"].condition is None
    assert views["ledoit_wolf"].condition > 1


def test_an_indefinite_correlation_is_repaired_and_drawn_from() -> None:
    indefinite = np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])
    assert not is_positive_semidefinite(indefinite)
    assert is_positive_semidefinite(nearest_correlation(indefinite))
    root = covariance_root(indefinite)
    assert np.isfinite(root).all()


def test_a_holding_worth_nothing_and_a_short_are_measured() -> None:
    held = {**make_inputs().holdings, "DDD": Holding(10.0, 0.0)}
    profile = SERVICE.profile(make_inputs(holdings=held, exposures=None))
    rest_is_measured(profile, [])
    by_symbol = {p.symbol: p for p in profile.positions}
    assert by_symbol["DDD"].component_var == 0.0
    assert by_symbol["CCC"].market_value < 0  # The short of the book.


def test_a_value_of_the_wrong_sign_is_left_out_by_name() -> None:
    held = {**make_inputs().holdings, "AAA": Holding(2000.0, -5000.0)}
    profile = SERVICE.profile(make_inputs(holdings=held, exposures=None))
    rest_is_measured(profile, ["AAA"])
    assert "differ in sign" in profile.left_out[0].reason


def test_a_price_of_zero_is_a_missing_return_not_an_infinite_one() -> None:
    close = closes()
    close[0, -20] = 0.0
    profile = profile_of(close, exposures=None)
    assert is_finite(msgspec.to_builtins(profile))
    assert any("missing returns were taken as zero" in note for note in profile.notes)


@pytest.mark.parametrize("n_sessions", [2, 50, 99])
def test_too_few_observations_leave_no_tail_and_say_so(n_sessions: int) -> None:
    inputs = make_inputs()
    short = inputs.prices.window(1100 - n_sessions, 1100)
    profile = SERVICE.profile(replace(inputs, prices=short, exposures=None))
    assert (profile.tails, profile.backtests, profile.stresses) == ((), (), ())
    assert any("Nothing held can be measured" in note for note in profile.notes)
    assert profile.exposure.gross > 0
    assert is_finite(msgspec.to_builtins(profile))


@pytest.mark.parametrize("equity", [0.0, -1.0])
def test_equity_that_is_not_positive_is_refused(equity: float) -> None:
    with pytest.raises(InvalidInputError, match="equity must be known and positive today"):
        make_inputs(equity=History(SESSIONS[-1:], np.array([equity])))
