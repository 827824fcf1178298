"""Tests of the kinds by name: unknown ones, failures beside successes, verdicts in a row each."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import numpy as np
import pytest

from basics.errors import InvalidInputError, MissingDataError
from basics.trading import Book, Fill
from models.anomaly_kind import AnomalySpec
from services.flow_inputs import flow_inputs, flow_of
from services.interval_review import review_intervals, review_steps
from services.kind_training import FLOW, KINDS, KindTraining
from services.kind_verdicts import in_words, kind_verdicts
from services.training import Training
from tests.fakes.model_registry import MemoryRegistry
from tests.small_market import inputs

BOOK = Book("fund", "demo", "model", "SIM-1")


def _fill(day: int, quantity: str, *, number: int = 0) -> Fill:
    at = datetime(2021, 1, 4, 21, tzinfo=UTC).timestamp() + 86_400 * day
    return Fill(
        venue="SIM",
        exec_id=f"{day}-{number}",
        cl_ord_id=f"o{day}-{number}",
        book=BOOK,
        symbol="A",
        quantity=Decimal(quantity),
        price=Decimal(10),
        fee=Decimal("0.5"),
        executed_at=datetime.fromtimestamp(at, tz=UTC),
    )


def _kinds(registry: MemoryRegistry, fills: list[Fill]) -> KindTraining:
    nothing = cast("Any", None)
    return KindTraining(
        market=nothing,
        features=nothing,
        registry=registry,
        training=Training(registry, code_version="c"),
        tail=nothing,
        fills=lambda: fills,
    )


def test_a_day_of_flow_by_hand() -> None:
    flow = flow_of([_fill(0, "30"), _fill(0, "-10", number=1), _fill(1, "5")])

    assert flow.strategies == ("model",)
    assert {name: values[0].tolist() for name, values in flow.values.items()} == {
        "fills": [2.0, 1.0],
        "notional": [400.0, 50.0],
        "largest": [300.0, 50.0],
        "bought": [0.75, 1.0],
        "fees": [1.0, 0.5],
    }


def test_flow_on_a_simulated_venue_promotes_nobody() -> None:
    rng = np.random.default_rng(2)
    sizes = rng.integers(20, 200, size=(700, 3))
    fills = [
        _fill(day, str(int(size) * (-1) ** n), number=n)
        for day, row in enumerate(sizes)
        for n, size in enumerate(row)
    ]
    registry = MemoryRegistry()

    result = Training(registry, code_version="c").train(
        flow_inputs(fills, spec=AnomalySpec(name=FLOW))
    )

    assert not result.verdict.promoted
    assert "rests on observed data: no" in result.verdict.summary
    assert result.champion.estimator == "largest_z"


def test_an_unknown_kind_is_refused_and_the_known_are_named() -> None:
    with pytest.raises(InvalidInputError, match="'alpha' cannot be trained: say price, volat"):
        _kinds(MemoryRegistry(), []).train("alpha")


def test_a_kind_that_fails_stands_beside_the_others() -> None:
    (outcome,) = _kinds(MemoryRegistry(), []).train_all([FLOW])

    assert outcome.result is None
    assert "the desk has no fills yet" in outcome.error


def test_each_of_the_seven_kinds_has_a_row_trained_or_not() -> None:
    registry = MemoryRegistry()
    Training(registry, code_version="c").train(inputs(skill=0.5))

    rows = kind_verdicts(registry)

    assert tuple(row.kind for row in rows) == KINDS
    price = rows[0]
    assert (price.baseline, price.candidate, price.champion) == ("zero", "lightgbm", "lightgbm")
    assert price.wins
    assert price.p_value is not None
    assert price.p_value < 0.05
    assert price.interval_method == "aci"
    assert in_words(rows).startswith("beat their baseline: price; not trained yet: volatility")


def test_a_kind_that_loses_says_so() -> None:
    registry = MemoryRegistry()
    Training(registry, code_version="c").train(inputs(skill=0.0))

    rows = kind_verdicts(registry)

    assert not rows[0].wins
    assert rows[0].champion == rows[0].baseline
    assert "do not, and their champion is the baseline: price" in in_words(rows)


def test_the_three_interval_methods_stand_beside_each_other() -> None:
    registry = MemoryRegistry()
    Training(registry, code_version="c").train(inputs(skill=0.5))

    rows = review_intervals(registry, "price")

    assert [(row.method, row.in_force) for row in rows] == [
        ("aci", True),
        ("enbpi", False),
        ("cqr", False),
    ]
    assert all(row.coverage == pytest.approx(0.9, abs=0.03) for row in rows)


def test_steps_stand_beside_each_other_before_and_from_a_year() -> None:
    registry = MemoryRegistry()
    Training(registry, code_version="c").train(inputs(skill=0.5))

    rows = review_steps(registry, "price", year=2012)

    # Many series: the method in force alone; the last row weighs the steps.
    assert {row.method for row in rows} == {"aci"}
    assert [row.step for row in rows] == [0.005, 0.01, 0.02, 0.04, 0.08, None]
    years = {(row.before[1], row.after[1]) for row in rows}
    assert len(years) == 1
    assert sum(years.pop()) == review_intervals(registry, "price")[0].years


def test_a_model_never_trained_has_no_intervals_to_review() -> None:
    with pytest.raises(MissingDataError, match="no version of 'price' has predictions"):
        review_intervals(MemoryRegistry(), "price")
