"""Tests of combinatorial purged paths: how many, how long, blind to what comes after `stop`."""

from dataclasses import replace
from math import comb

import numpy as np
import pytest

from models.comparison import judge
from models.contest import Contender, Contest, GateRules, Trials
from models.estimators import Ridge, Zero
from models.paths import GROUPS, TEST_GROUPS, path_returns, until
from tests.small_market import SPEC, inputs

FAMILY = (Ridge(), Zero())


def test_every_path_is_a_whole_history_out_of_sample() -> None:
    given = inputs(skill=0.5)
    dataset = SPEC.dataset(given.features, given.outcome)

    found = path_returns(SPEC, dataset, FAMILY, stop=len(dataset.sessions))

    paths = comb(GROUPS - 1, TEST_GROUPS - 1)
    labelled = int((dataset.to_grid(dataset.y, np.arange(len(dataset.y))) > -np.inf).any(0).sum())
    assert set(found) == {"ridge", "zero"}
    assert found["ridge"].shape == (paths, -(-labelled // SPEC.horizon))
    assert not found["zero"].any()
    # A true signal earns along every path.
    assert (found["ridge"].mean(axis=1) > 0).all()


def test_what_lies_beyond_stop_changes_nothing() -> None:
    given = inputs(skill=0.5)
    dataset = SPEC.dataset(given.features, given.outcome)
    changed = replace(dataset, y=np.where(dataset.label_end >= 900, -dataset.y, dataset.y))

    one, two = (path_returns(SPEC, d, FAMILY, stop=900) for d in (dataset, changed))

    assert one["ridge"].tobytes() == two["ridge"].tobytes()
    kept = until(dataset, 900)
    assert kept.session.max() == 899
    assert kept.label_end.max() < 900


def test_a_kind_that_is_not_traded_has_no_paths() -> None:
    from models.regime_kind import RegimeSpec

    given = inputs(skill=0.5)
    dataset = SPEC.dataset(given.features, given.outcome)

    assert path_returns(RegimeSpec(), dataset, FAMILY, stop=900) == {}


def test_the_gate_measures_overfitting_along_the_paths() -> None:
    rng = np.random.default_rng(1)
    returns = 0.001 + 0.01 * rng.normal(size=400)
    contest = Contest(
        candidate=Contender(name="a", losses=rng.random(400), returns=returns),
        champion=Contender(name="b", losses=rng.random(400) + 1.0, returns=0.1 * returns),
        baseline=Contender(name="b", losses=rng.random(400) + 1.0, returns=0.1 * returns),
        paths={
            "a": 0.01 + 0.001 * rng.normal(size=(4, 200)),
            "b": 0.01 * rng.normal(size=(4, 200)),
        },
    )

    verdict = judge(
        contest,
        trials=Trials(count=2, sharpe_variance=0.0),
        rules=GateRules(bootstrap_resamples=100),
        generator=rng,
    )

    rule = next(rule for rule in verdict.rules if rule.name == "not overfitted")
    assert rule.passed
    assert rule.detail.endswith("among 2 models along 4 combinatorial purged paths")
    assert verdict.figures["overfitting_probability"] == 0.0
    assert verdict.figures["path_sharpe_least"] == pytest.approx(10.0, rel=0.2)
