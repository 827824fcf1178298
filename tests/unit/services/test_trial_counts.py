"""Tests of `services.trial_counts`: what was tried to find what a portfolio follows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, cast

import numpy as np
import pytest

from basics.errors import UnavailableError
from basics.trading import Book, Fill, Lineage, placed_lineage, rule_lineage
from services.ports import KeptBooks
from services.trial_counts import TrialCounts

BOOK = Book("Fund", "Core", "model", "acc")


@dataclass(frozen=True)
class Events:
    """The events of books whose fills followed these versions."""

    versions: tuple[str | None, ...]

    def events(self, run_id: str, *, portfolio: str) -> list[tuple[date, Fill]]:
        assert (run_id, portfolio) == ("run-1", "Core")
        return [
            (
                date(2022, 1, 3),
                Fill(
                    venue="SIM", exec_id=str(n), cl_ord_id="o", book=BOOK, symbol="AAA",
                    quantity=Decimal(1), price=Decimal(1),
                    executed_at=datetime(2022, 1, 3, tzinfo=UTC),
                    lineage=Lineage(model_version=version),
                ),
            )
            for n, version in enumerate(self.versions)
        ]  # fmt: skip


@dataclass(frozen=True)
class Tried:
    """A registry that knows trials and nothing else."""

    by_name: Mapping[str, Mapping[str, float | None]]
    down: bool = False

    def trials(self, name: str) -> Mapping[str, float | None]:
        if self.down:
            raise UnavailableError("the registry does not answer")
        return self.by_name.get(name, {})


def behind(registry: Tried, *versions: str | None) -> Any:
    counts = TrialCounts(
        registry=cast("Any", registry),
        accounting=lambda _: cast("Any", Events(versions)),
        horizons={"price": 5},
    )
    return counts.behind(KeptBooks("Core", "run-1", "equities", cast("Any", None)))


def test_every_trial_of_the_models_that_the_fills_followed_counts() -> None:
    tried = Tried({"price": {"a": 0.2, "b": 0.1, "c": None}, "signal": {"d": 0.3}})

    found = behind(tried, None, "price v2 lightgbm", "price v1 zero")

    assert (found.count, found.source) == (3, "the MLflow experiment of price")
    # Over five sessions; a fifth of the variance over one.
    assert found.sharpe_variance == pytest.approx(np.var([0.2, 0.1], ddof=1) / 5)


def test_fewer_than_two_ratios_or_an_unknown_horizon_have_no_spread() -> None:
    tried = Tried({"price": {"a": 0.2}, "signal": {"d": 0.3, "e": 0.1}})

    assert behind(tried, "price v2 lightgbm").sharpe_variance is None
    both = behind(tried, "price v2 lightgbm", "signal v1 lightgbm")
    assert (both.count, both.source) == (3, "the MLflow experiment of price and signal")
    assert both.sharpe_variance is None


def test_no_model_no_trials_and_a_registry_that_is_gone_count_nothing() -> None:
    assert behind(Tried({"price": {"a": 0.2}}), None) is None
    assert behind(Tried({}), "price v2 lightgbm") is None
    assert behind(Tried({}, down=True), "price v2 lightgbm") is None


def test_a_rule_and_a_person_have_no_trials_in_the_registry() -> None:
    rule, person = rule_lineage("momentum", 1).model_version, placed_lineage("manual").model_version
    registry = Tried({"price": {"a": 0.1}, "rule: momentum": {"b": 0.2}})

    assert behind(registry, rule, person) is None
    assert behind(registry, rule, "price v1 ridge").count == 1
