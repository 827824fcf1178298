"""Tests of `services.report_sections`: results of the day into plain sections."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pytest

from basics.trading import Book, Fill, Lineage
from services.ports import OrderRefusal
from services.report_sections import reality_of
from services.report_trading import LAST_FILLS, TradingSection, refusals_by_layer, trading_section
from services.trading import TradingResult
from tests.day_sample import sample_report

FIRST, LAST = date(2022, 12, 27), date(2022, 12, 28)


def a_fill(number: int, *, strategy: str = "model", quantity: int = 100) -> Fill:
    return Fill(
        venue="SIM",
        exec_id=f"e{number}",
        cl_ord_id=f"o{number}",
        book=Book("FUND", "EQUITY", strategy, "ACC"),
        symbol="KO",
        quantity=Decimal(quantity),
        price=Decimal("63.00"),
        executed_at=datetime(2022, 12, 28, 21, tzinfo=UTC),
        fee=Decimal("0.50"),
        decision_price=Decimal("62.00"),
        arrival_price=Decimal("62.80"),
        mid_price=Decimal("62.95"),
        lineage=Lineage(model_version="price v2 lightgbm"),
    )


def section(fills: list[Fill]) -> TradingSection:
    result = TradingResult(
        run_id="run",
        sessions=(FIRST, LAST),
        resumed_after=None,
        orders=5,
        refused=1,
        fills=len(fills),
        fees=Decimal(0),
        equity={"momentum": np.array([10.0, 11.0]), "model": np.array([10.0, 12.0])},
        turnover={"momentum": 0.0, "model": 2.5},
    )
    return trading_section(result, fills)


def test_costs_are_fees_and_the_split_of_implementation_shortfall() -> None:
    # Bought 100 at 63.00: mid 62.95, arrival 62.80, decision 62.00.
    costs = {cost.name: cost.amount for cost in section([a_fill(1)]).costs}

    assert costs == {
        "fees": Decimal("0.50"),
        "spread": Decimal("5.00"),
        "impact": Decimal("15.00"),
        "delay": Decimal("80.00"),
    }


def test_a_sale_at_the_same_prices_earns_what_the_purchase_lost() -> None:
    costs = {cost.name: cost.amount for cost in section([a_fill(1, quantity=-100)]).costs}

    assert costs["delay"] == Decimal("-80.00")
    assert costs["fees"] == Decimal("0.50")


def test_each_strategy_has_its_own_row_even_without_a_fill() -> None:
    model, momentum = section([a_fill(1), a_fill(2)]).strategies

    assert (model.strategy, model.fills, model.traded_notional) == ("model", 2, Decimal("12600.00"))
    assert (momentum.strategy, momentum.fills, momentum.final_equity) == ("momentum", 0, 11.0)


def test_only_the_last_fills_are_listed_newest_first() -> None:
    listed = section([a_fill(n) for n in range(30)]).last_fills

    assert len(listed) == LAST_FILLS
    assert [row.cl_ord_id for row in listed[:2]] == ["o29", "o28"]


def test_all_nine_layers_of_the_controls_are_named() -> None:
    assert len(section([]).layers) == 9


def rejection(number: int, reason: str, *, venue: str = "desk") -> OrderRefusal:
    return OrderRefusal(cl_ord_id=f"o{number}", venue=venue, reason=reason)


def test_refusals_are_counted_by_the_layers_whose_rules_were_broken() -> None:
    both = "order o1 is refused: SIZE_ABOVE_NOTIONAL: a=1 fix103=3; RISK_ABOVE_STRESS: b=2 fix103=0"
    found = refusals_by_layer(
        [
            rejection(1, both),
            rejection(2, "order o2 is refused: SIZE_ABOVE_NOTIONAL: a=3 fix103=3"),
            rejection(3, "order o3 is refused: SIZE_ABOVE_QUANTITY: a=3 fix103=3"),
            rejection(4, "outside the band", venue="SIM"),
            rejection(5, "the session is closed"),
        ]
    )

    rows = {row.layer: [(why.reason, why.orders) for why in row.reasons] for row in found}
    assert [row.layer for row in found][:2] == ["form", "permission"]
    assert [row.layer for row in found][9:] == ["venue SIM", "desk"]
    assert {row.layer: row.orders for row in found if row.orders} == {
        "size": 3, "risk": 1, "venue SIM": 1, "desk": 1
    }  # fmt: skip
    assert rows["size"] == [("SIZE_ABOVE_NOTIONAL", 2), ("SIZE_ABOVE_QUANTITY", 1)]
    assert rows["risk"] == [("RISK_ABOVE_STRESS", 1)]
    assert rows["venue SIM"] == [("outside the band", 1)]
    assert rows["desk"] == [("the session is closed", 1)]
    assert rows["form"] == []


def test_a_rule_in_a_refusal_counts_an_order_once() -> None:
    twice = "order o1 is refused: RISK_ABOVE_STRESS: a=1; RISK_ABOVE_STRESS: a=2"

    (risk,) = [row for row in refusals_by_layer([rejection(1, twice)]) if row.orders]

    assert (risk.layer, risk.orders, risk.reasons[0].orders) == ("risk", 1, 1)


@pytest.mark.parametrize("simulated", [True, False])
def test_simulated_columns_are_named_as_such_and_real_ones_as_real(simulated: bool) -> None:  # noqa: FBT001 - a parameter of the test
    report = sample_report(n_sessions=120)
    stated = [
        r for r in reality_of(report.datasets, report.performance) if r.simulated is simulated
    ]

    subjects = [row.subject for row in stated]
    assert ("equities: open, high, low, volume" in subjects) is simulated
    assert ("equities: close" in subjects) is not simulated


def test_a_run_without_what_differs_between_two_runs() -> None:
    first, second = section([a_fill(1)]), section([a_fill(1)])

    assert first == second
    assert not hasattr(first, "resumed_after")


def test_what_a_user_brought_is_not_vouched_for() -> None:
    report = sample_report(n_sessions=120)
    own = replace(report.datasets[1], name="acme", source="files: acme.csv")

    stated = {
        row.subject: row.text for row in reality_of((*report.datasets, own), report.performance)
    }

    assert stated["Your files"] == "acme: as you brought them, taken as real."
    assert "acme" not in stated["Other data"]
