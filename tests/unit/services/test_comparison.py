"""Tests of A/B comparison on stored predictions out of sample."""

from dataclasses import replace

import pytest

from basics.errors import InvalidInputError, MissingDataError
from services.comparison import Comparison
from services.training import Training
from tests.fakes.model_registry import MemoryRegistry
from tests.small_market import SPEC, inputs


@pytest.fixture(scope="module")
def registry() -> MemoryRegistry:
    registry = MemoryRegistry()
    training = Training(registry, code_version="c1")
    training.train(inputs(skill=0.5))
    training.train(inputs(skill=0.5, spec=replace(SPEC, trees=replace(SPEC.trees, trees=1))))
    return registry


def test_a_better_model_is_better_on_every_figure(registry: MemoryRegistry) -> None:
    result = Comparison(registry, seed=1).compare("price", "champion", 3)

    assert (result.first, result.second) == ("price v2 lightgbm", "price v3 lightgbm")
    accuracy = {m.name: m.first_is_better for m in result.measured}
    assert accuracy["squared error"] is True
    assert accuracy["rank IC"] is True
    assert result.p_value < 0.01


def test_the_baseline_stands_in_without_predictions_of_its_own(registry: MemoryRegistry) -> None:
    result = Comparison(registry, seed=1).compare("price", 1, 2)

    errors = next(m for m in result.measured if m.name == "squared error")
    assert errors.first_is_better is False
    assert errors.difference.low <= errors.first - errors.second <= errors.difference.high
    assert result.sessions > 1000
    assert result.rows == 6 * result.sessions
    assert "price v2 lightgbm is better on squared error" in result.verdict


def test_the_same_seed_gives_the_same_comparison(registry: MemoryRegistry) -> None:
    assert Comparison(registry, seed=1).compare("price", 1, 2) == Comparison(
        registry, seed=1
    ).compare("price", 1, 2)


def test_a_version_against_itself_is_refused(registry: MemoryRegistry) -> None:
    with pytest.raises(InvalidInputError, match="both price v2 lightgbm"):
        Comparison(registry, seed=1).compare("price", "champion", 2)


def test_an_unknown_version_is_missing(registry: MemoryRegistry) -> None:
    with pytest.raises(MissingDataError, match="has no '9'"):
        Comparison(registry, seed=1).compare("price", 1, 9)


def test_versions_that_say_the_same_are_a_tie_on_every_figure(registry: MemoryRegistry) -> None:
    best = registry.resolve("price", 2)
    run = replace(registry.runs[-1], trial_key="twin", tags=dict(best.tags))
    twin = registry.register(run, format=best.format, input_key="twin")
    registry.files[twin.run_id] = dict(registry.files[best.run_id])
    registry.trust(twin)

    result = Comparison(registry, seed=1).compare("price", 2, twin.version)

    assert [m.first_is_better for m in result.measured] == [None] * 3
    assert {(m.difference.low, m.difference.high) for m in result.measured} == {(0.0, 0.0)}
    assert result.p_value == 1.0
    assert result.replay.decided_at is None
    assert result.verdict.startswith("tie on squared error; tie on rank IC; tie on net return")
