"""Tests of `models.comparison`: the gate opens for skill and stays shut for luck."""

import numpy as np
import pytest

from basics.errors import InvalidInputError
from models.comparison import judge
from models.contest import Contender, Contest, GateRules, Trials

RULES = GateRules(bootstrap_resamples=300)
ONE = Trials(count=1, sharpe_variance=0.0)


def _contender(name: str, gain: float, *, drift: float = 0.0, seed: int = 1) -> Contender:
    rng = np.random.default_rng(seed)
    shared = np.random.default_rng(99).gamma(2.0, size=500)
    return Contender(
        name=name,
        losses=shared + rng.normal(0.0, 0.1, 500) - gain,
        returns=rng.normal(drift, 0.01, 500),
    )


def _contest(candidate: Contender) -> Contest:
    zero = _contender("zero", 0.0, seed=2)
    old = _contender("price v2 lightgbm", 0.01, seed=3)
    return Contest(
        candidate=candidate,
        champion=old,
        baseline=zero,
        others=(_contender("ridge", 0.0, seed=4),),
        metric="squared error",
    )


def _judge(candidate: Contender, trials: Trials = ONE):
    return judge(
        _contest(candidate), trials=trials, rules=RULES, generator=np.random.default_rng(5)
    )


def test_skill_and_profit_open_the_gate() -> None:
    verdict = _judge(_contender("new", 0.05, drift=0.003, seed=10))

    assert verdict.promoted
    assert not verdict.baseline_wins
    assert [rule.name for rule in verdict.rules] == [
        "beats the baseline",
        "beats the champion",
        "survives the search",
        "profit beyond luck",
        "not overfitted",
    ]
    assert "takes over from price v2 lightgbm" in verdict.summary


def test_skill_without_profit_stays_out() -> None:
    verdict = _judge(_contender("new", 0.05, drift=0.0, seed=10))

    assert not verdict.promoted
    assert "profit beyond luck: no" in verdict.summary


def test_profit_that_many_trials_explain_stays_out() -> None:
    candidate = _contender("new", 0.05, drift=0.0012, seed=10)

    few = _judge(candidate)
    many = _judge(candidate, Trials(count=2000, sharpe_variance=0.003))

    assert few.figures["deflated_sharpe"] > 0.95
    assert many.figures["deflated_sharpe"] < 0.95
    assert not many.promoted


def test_a_candidate_worse_than_the_baseline_says_so() -> None:
    verdict = _judge(_contender("new", -0.05, drift=0.003, seed=10))

    assert verdict.baseline_wins
    assert verdict.summary.startswith("price v2 lightgbm stays champion")


def test_a_kind_without_profit_is_judged_by_loss_alone() -> None:
    contest = Contest(
        candidate=Contender(name="har", losses=_contender("x", 0.05, seed=10).losses),
        champion=Contender(name="ewma", losses=_contender("x", 0.0, seed=2).losses),
        baseline=Contender(name="ewma", losses=_contender("x", 0.0, seed=2).losses),
    )

    verdict = judge(contest, trials=ONE, rules=RULES, generator=np.random.default_rng(5))

    assert verdict.promoted
    assert len(verdict.rules) == 3


@pytest.mark.parametrize(("gain", "keeps_up"), [(0.05, True), (0.2, False)])
def test_a_renewed_method_may_not_fall_behind_what_it_was(gain: float, *, keeps_up: bool) -> None:
    base = Contender(name="historical", losses=_contender("x", 0.0, seed=2).losses)
    contest = Contest(
        candidate=Contender(name="gjr", losses=_contender("x", 0.05, seed=10).losses),
        champion=base,
        baseline=base,
        renews=Contender(name="risk v2 gjr", losses=_contender("x", gain, seed=10).losses),
    )

    verdict = judge(contest, trials=ONE, rules=RULES, generator=np.random.default_rng(5))

    rules = {rule.name: rule for rule in verdict.rules}
    assert rules["beats the champion"].passed
    assert rules["keeps up with the version it renews"].passed is keeps_up
    assert verdict.promoted is keeps_up


def test_judging_against_itself_is_refused() -> None:
    one = _contender("new", 0.0)

    with pytest.raises(InvalidInputError, match="against itself"):
        Contest(candidate=one, champion=one, baseline=one)


def test_contenders_on_other_sessions_are_refused() -> None:
    short = Contender(name="new", losses=np.zeros(10))

    with pytest.raises(InvalidInputError, match="different sessions"):
        _contest(short)
