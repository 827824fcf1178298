"""Tests of `oms.controls`: each rule of the nine layers, and overrides that expire."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basics.errors import InvalidInputError, RefusedError
from basics.instruments import Instrument, InstrumentKind
from basics.trading import Book, Side
from oms.controls import (
    LAYERS,
    Beside,
    ControlContext,
    ControlLimits,
    Layer,
    Override,
    RecentOrder,
    RiskFigures,
    TradingState,
    Working,
    approve,
    check,
    near_limits,
    working_orders,
)
from oms.orders import Order
from oms.states import OrderStatus, OrderType, TimeInForce
from risk.limits import Limit, LimitSet, Scope
from risk.limits import Override as LimitOverride

NOW = datetime(2022, 1, 3, 15, tzinfo=UTC)
ORDER = Order(
    cl_ord_id="x",
    book=Book("fund", "portfolio", "strategy", "account"),
    symbol="AAPL",
    side=Side.BUY,
    quantity=Decimal(100),
    created_at=NOW,
)
ROOMY = Limit(
    metric="gross_leverage", scope=Scope.STRATEGY, warn=1.0, soft=2.0, hard=2.0, owner="risk"
)
CONTEXT = ControlContext(
    now=NOW,
    limits=ControlLimits(),
    risk_limits=LimitSet([ROOMY]),
    as_of=NOW.date(),
    instrument=Instrument(symbol="AAPL"),
    prices={"AAPL": Decimal(150), "MSFT": Decimal(300)},
    equity=Decimal(1_000_000),
    daily_volume=Decimal(10_000_000),
)
LIMIT = {"order_type": OrderType.LIMIT, "limit_price": Decimal("150.00")}


class FixedRisk:
    """Value at risk that grows by a set amount per unit bought; other figures are set parts."""

    def __init__(
        self, now: float, per_unit: float, *, known: bool = True, days: float = 0.0, **parts: float
    ) -> None:
        self._now, self._per_unit, self._parts = now, per_unit, parts
        self._known, self._days = known, days

    def covers(self, symbol: str) -> bool:
        return self._known and symbol == "AAPL"

    def figures(self) -> RiskFigures:
        return self._at(0.0)

    def figures_after(self, symbol: str, quantity: float) -> RiskFigures:
        assert symbol == "AAPL"
        return self._at(quantity)

    def _at(self, quantity: float) -> RiskFigures:
        value = self._now + quantity * self._per_unit
        return RiskFigures(
            value_at_risk=value,
            days_to_liquidate=self._days * quantity,
            **{name: part * value for name, part in self._parts.items()},
        )


def rules(order: Order = ORDER, **state: object) -> list[str]:
    return [breach.rule for breach in check(order, replace(CONTEXT, **state))]


def limits(**changes: object) -> ControlLimits:
    return ControlLimits(**changes)


def test_there_are_nine_layers_in_their_order() -> None:
    assert list(LAYERS) == list(Layer) == sorted(Layer)
    assert len(LAYERS) == 9


def test_order_that_breaks_nothing_is_approved() -> None:
    assert approve(ORDER, CONTEXT) is ORDER


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"limit_price": Decimal(150)}, "FORM_LIMIT_PRICE_MISPLACED"),
        ({"order_type": OrderType.LIMIT}, "FORM_LIMIT_PRICE_MISPLACED"),
        ({"order_type": OrderType.STOP}, "FORM_STOP_PRICE_MISPLACED"),
        ({"quantity": Decimal("1.5")}, "FORM_LOT_MISFIT"),
        (LIMIT | {"limit_price": Decimal("150.001")}, "FORM_TICK_MISFIT"),
        ({"time_in_force": TimeInForce.GOOD_TILL_DATE}, "FORM_EXPIRY_MISPLACED"),
        ({"expires_on": date(2022, 1, 4)}, "FORM_EXPIRY_MISPLACED"),
        ({"currency": "EUR"}, "FORM_CURRENCY_MISMATCH"),
        ({"status": OrderStatus.NEW}, "FORM_STATUS_NOT_PENDING_NEW"),
    ],
)
def test_layer_1_refuses_what_no_venue_could_read(changes: dict[str, object], rule: str) -> None:
    assert rules(replace(ORDER, **changes)) == [rule]


def test_layer_1_refuses_an_unknown_symbol() -> None:
    assert rules(instrument=None) == ["FORM_SYMBOL_UNKNOWN"]


def test_layer_2_refuses_a_restricted_symbol_and_tells_why() -> None:
    (breach,) = check(ORDER, replace(CONTEXT, restricted={"AAPL": "merger pending"}))

    assert str(breach) == (
        "PERMISSION_SYMBOL_RESTRICTED: symbol=AAPL why='merger pending' fix103=0"
    )


def test_layer_2_refuses_a_kind_that_the_book_may_not_trade() -> None:
    future = Instrument(symbol="AAPL", kind=InstrumentKind.FUTURE)

    assert rules(instrument=future) == ["PERMISSION_KIND_FORBIDDEN"]


@pytest.mark.parametrize(
    ("side", "held", "working", "expected"),
    [
        (Side.SELL, 100, 0, []),
        (Side.SELL, 99, 0, ["PERMISSION_SHORT_UNMARKED"]),
        (Side.SELL, 100, 1, ["PERMISSION_SHORT_UNMARKED"]),  # A working sale counts first.
        (Side.SELL_SHORT, 0, 0, []),
    ],
)
def test_layer_2_wants_short_sales_marked(
    side: Side, held: int, working: int, expected: list[str]
) -> None:
    found = rules(
        replace(ORDER, side=side),
        positions={"AAPL": Decimal(held)},
        working={"AAPL": Working(to_sell=Decimal(working))},
    )

    assert found == expected


def test_layer_2_wants_a_locate_where_the_book_needs_one() -> None:
    short = replace(ORDER, side=Side.SELL_SHORT)
    bound = limits(needs_locate=True)

    assert rules(short, limits=bound) == ["PERMISSION_LOCATE_MISSING"]
    assert rules(short, limits=bound, locates={"AAPL": Decimal(100)}) == []
    assert rules(short, limits=limits(may_short=False)) == ["PERMISSION_SHORT_FORBIDDEN"]


def test_layer_3_refuses_a_price_outside_the_collar_and_passes_one_on_it() -> None:
    on_collar = replace(ORDER, **(LIMIT | {"limit_price": Decimal("165.00")}))
    outside = replace(ORDER, **(LIMIT | {"limit_price": Decimal("165.01")}))

    assert rules(on_collar) == []
    assert rules(outside) == ["PRICE_OUTSIDE_COLLAR"]


def test_layer_3_fails_closed_without_a_reference_price() -> None:
    assert rules(prices={}) == ["PRICE_REFERENCE_MISSING"]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"max_order_quantity": Decimal(99)}, "SIZE_ABOVE_QUANTITY"),
        ({"max_order_notional": Decimal("14999.99")}, "SIZE_ABOVE_NOTIONAL"),
        ({"max_volume_share": Decimal("0.000009")}, "SIZE_ABOVE_VOLUME_SHARE"),
    ],
)
def test_layer_4_refuses_what_is_too_large(changes: dict[str, Decimal], rule: str) -> None:
    assert rules(limits=limits(**changes)) == [rule]
    assert rules(limits=limits(**{name: 2 * value for name, value in changes.items()})) == []


def sent(cl_ord_id: str, *, seconds_ago: float, quantity: int = 7, symbol: str = "AAPL"):
    return RecentOrder(
        cl_ord_id,
        symbol,
        Side.BUY,
        Decimal(quantity),
        None,
        NOW - timedelta(seconds=seconds_ago),
    )


def test_layer_5_refuses_an_order_sent_twice() -> None:
    assert rules(recent=[sent("x", seconds_ago=3600)]) == ["RATE_DUPLICATE_ORDER"]
    assert rules(recent=[sent("y", seconds_ago=1, quantity=100)]) == ["RATE_DUPLICATE_ORDER"]
    assert rules(recent=[sent("y", seconds_ago=2, quantity=100)]) == []


def test_layer_5_counts_messages_in_the_window_alone() -> None:
    bound = limits(max_messages=2)
    old = sent("old", seconds_ago=1, symbol="MSFT")
    new = [sent(name, seconds_ago=0.5, symbol="MSFT") for name in "ab"]

    assert rules(limits=bound, recent=[old, new[0]]) == []
    assert rules(limits=bound, recent=new) == ["RATE_ABOVE_MESSAGES"]


def test_layer_5_throttles_repeated_execution_of_one_symbol_and_side() -> None:
    recent = [sent(str(n), seconds_ago=5, quantity=n) for n in range(1, 4)]

    assert rules(limits=limits(max_repeats=3), recent=recent) == ["RATE_REPEATED_EXECUTION"]
    sale = replace(ORDER, side=Side.SELL_SHORT)
    assert rules(sale, limits=limits(max_repeats=3), recent=recent) == []


def test_layer_6_counts_the_margin_of_holdings_working_orders_and_the_order() -> None:
    # 100 AAPL ordered, 100 MSFT held, 100 MSFT worked: 15,000 + 60,000, of which half is bound.
    book = {
        "positions": {"MSFT": Decimal(100)},
        "working": {"MSFT": Working(to_buy=Decimal(100))},
        "risk_limits": LimitSet([]),
    }

    assert rules(equity=Decimal(37_500), **book) == []
    assert rules(equity=Decimal(37_499), **book) == ["CREDIT_MARGIN_SHORT"]
    assert rules(equity=Decimal(37_500), margin_in_use=Decimal(1), **book) == [
        "CREDIT_MARGIN_SHORT"
    ]


def test_layer_6_refuses_all_but_reductions_once_equity_is_gone() -> None:
    assert rules(equity=Decimal(0)) == ["CREDIT_EQUITY_GONE"]
    assert rules(equity=Decimal(0), positions={"AAPL": Decimal(-100)}) == []


def bound(metric: str, hard: float, *, scope: Scope = Scope.STRATEGY, **row: object) -> LimitSet:
    """Return the register with one limit, its warning and soft threshold at half the hard one."""
    return LimitSet(
        [Limit(metric=metric, scope=scope, warn=hard / 2, soft=hard / 2, hard=hard, owner="risk",
               **row)]
    )  # fmt: skip


# Equity a million; 15,000 of AAPL ordered; MSFT held short 100, and 100 more being sold: at worst
# 60,000 short. Gross 75,000, net 45,000 short.
WORKED = {
    "positions": {"MSFT": Decimal(-100)},
    "working": {"MSFT": Working(to_sell=Decimal(100), to_buy=Decimal(50))},
}


@pytest.mark.parametrize(
    ("metric", "value", "rule"),
    [
        ("largest_position", 0.015, "EXPOSURE_ABOVE_POSITION"),
        ("gross_leverage", 0.075, "EXPOSURE_ABOVE_GROSS"),
    ],
)
@pytest.mark.parametrize("scope", [Scope.STRATEGY, Scope.PORTFOLIO, Scope.ACCOUNT, Scope.FUND])
def test_layer_7_asks_the_register_of_every_book_with_working_orders_at_their_worst(
    metric: str, value: float, rule: str, scope: Scope
) -> None:
    assert rules(risk_limits=bound(metric, value - 1e-4, scope=scope), **WORKED) == [rule]
    assert rules(risk_limits=bound(metric, value, scope=scope), **WORKED) == []


def test_layer_7_passes_what_lessens_an_exposure_beyond_its_limit() -> None:
    # The purchase of AAPL brings a net of 60,000 short to 45,000 short.
    tight = bound("net_leverage", 0.01)

    assert rules(risk_limits=tight, **WORKED) == []
    short = replace(ORDER, side=Side.SELL_SHORT)
    assert rules(short, risk_limits=tight, **WORKED) == ["EXPOSURE_ABOVE_NET"]


def test_layer_7_counts_what_other_books_of_the_portfolio_hold() -> None:
    # With 45,000 more of AAPL elsewhere and a million more of equity: 60,000 of two million.
    state = {
        "beside": {Scope.PORTFOLIO: Beside(values={"AAPL": 45_000.0}, equity=1e6)},
        "sectors": {"AAPL": "Technology"},
    }
    for scope, name in ((Scope.SYMBOL, "AAPL"), (Scope.SECTOR, "Technology")):
        for row in ({}, {"name": name}):
            below = bound("weight", 0.0299, scope=scope, **row)
            assert rules(risk_limits=below, **state) == ["EXPOSURE_ABOVE_CONCENTRATION"]
            assert rules(risk_limits=bound("weight", 0.03, scope=scope, **row), **state) == []
    assert (
        rules(risk_limits=bound("weight", 0.02, scope=Scope.SECTOR, name="Energy"), **state) == []
    )


def test_layer_7_limits_the_pull_of_the_market_factor() -> None:
    state = {"betas": {"AAPL": 1.2, "MSFT": 0.5}, "positions": {"MSFT": Decimal(100)}}
    pull = 1.2 * 0.015 + 0.5 * 0.03

    for metric, scope, name in (
        ("exposure", Scope.FACTOR, "market"),
        ("beta", Scope.PORTFOLIO, "portfolio"),
    ):
        below = bound(metric, pull - 1e-6, scope=scope, name=name)
        assert rules(risk_limits=below, **state) == ["EXPOSURE_ABOVE_FACTOR"]
        assert rules(risk_limits=bound(metric, pull + 1e-6, scope=scope), **state) == []


def test_override_of_a_limit_holds_until_it_expires_on_the_desk_date() -> None:
    raised = LimitOverride(
        hard=0.5, reason="index rebalance", granted_by="cro", expires=date(2022, 1, 3)
    )
    register = bound("largest_position", 0.01, override=raised)

    assert rules(risk_limits=register) == []
    assert rules(risk_limits=register, as_of=date(2022, 1, 4)) == ["EXPOSURE_ABOVE_POSITION"]


def test_refusal_names_the_limit_that_was_asked() -> None:
    (breach,) = check(ORDER, replace(CONTEXT, risk_limits=bound("largest_position", 0.01)))

    assert str(breach) == (
        "EXPOSURE_ABOVE_POSITION: symbol=AAPL scope=strategy name=strategy share=0.0150 "
        "limit=0.01 fix103=3"
    )


def test_layer_7_fails_closed_for_a_holding_without_a_price() -> None:
    assert rules(positions={"GONE": Decimal(1)}) == ["EXPOSURE_PRICE_MISSING"]


def test_layer_8_refuses_value_at_risk_above_its_limits() -> None:
    # 100 units raise value at risk by 10,000, which is 1 % of equity.
    risk = FixedRisk(now=45_000.0, per_unit=100.0)

    assert rules(risk=risk, risk_limits=bound("value_at_risk_99", 0.056)) == []
    assert rules(risk=risk, risk_limits=bound("value_at_risk_99", 0.05)) == [
        "RISK_ABOVE_VALUE_AT_RISK"
    ]
    assert rules(risk=risk, risk_limits=bound("incremental_value_at_risk_99", 0.009)) == [
        "RISK_ABOVE_INCREMENTAL"
    ]


@pytest.mark.parametrize(
    ("metric", "figures", "rule"),
    [
        ("expected_shortfall_975", {"expected_shortfall": 2.0}, "RISK_ABOVE_SHORTFALL"),
        ("worst_stress_loss", {"worst_stress_loss": 2.0}, "RISK_ABOVE_STRESS"),
        ("days_to_liquidate", {"days": 0.01}, "RISK_ABOVE_LIQUIDITY"),
    ],
)
def test_layer_8_asks_about_every_figure_that_the_view_knows(
    metric: str, figures: dict[str, float], rule: str
) -> None:
    # Of a million: 90,000 with the order; or a day of trading for the 100 units.
    risk = FixedRisk(now=40_000.0, per_unit=50.0, **figures)
    hard = 0.9 if metric == "days_to_liquidate" else 0.089

    def limit(scale: float) -> LimitSet:
        at = hard * scale
        return LimitSet(
            [Limit(metric=metric, scope=Scope.PORTFOLIO, warn=at, soft=at, hard=at, owner="r")]
        )

    assert rules(risk=risk, risk_limits=limit(1.0)) == [rule]
    assert rules(risk=risk, risk_limits=limit(1.2)) == []
    assert rules(risk=FixedRisk(40_000.0, 50.0), risk_limits=limit(1e-3)) == []


def test_layer_8_fails_closed_for_a_symbol_without_history() -> None:
    tight = bound("value_at_risk_99", 0.06)

    assert rules(risk=FixedRisk(0.0, 0.0, known=False), risk_limits=tight) == [
        "RISK_HISTORY_MISSING"
    ]
    # Where no limit on risk binds, none has to be known; and an exit may always go.
    assert rules(risk=FixedRisk(0.0, 0.0, known=False)) == []
    exit_ = replace(ORDER, side=Side.SELL)
    held = {"positions": {"AAPL": Decimal(100)}}
    assert rules(exit_, risk=FixedRisk(0.0, 0.0, known=False), risk_limits=tight, **held) == []


def test_what_passes_near_a_limit_is_told_worst_first() -> None:
    register = LimitSet(
        [
            Limit(metric="value_at_risk_99", scope=Scope.PORTFOLIO, warn=0.01, soft=0.04,
                  hard=0.06, owner="r"),
            Limit(metric="largest_position", scope=Scope.STRATEGY, warn=0.01, soft=0.1,
                  hard=0.2, owner="r"),
            Limit(metric="gross_leverage", scope=Scope.STRATEGY, warn=0.1, soft=0.2,
                  hard=0.3, owner="r"),
        ]
    )  # fmt: skip
    context = replace(CONTEXT, risk=FixedRisk(40_000.0, 50.0), risk_limits=register)

    told = [(one.rule, one.check.state.value) for one in near_limits(ORDER, context)]

    # 45,000 of VaR is above soft, 15,000 in one name above warn, 0.015 of gross above nothing.
    assert told == [("RISK_ABOVE_VALUE_AT_RISK", "soft"), ("EXPOSURE_ABOVE_POSITION", "warn")]
    less = replace(context, risk=FixedRisk(50_000.0, -10.0))
    assert [one.rule for one in near_limits(ORDER, less)] == ["EXPOSURE_ABOVE_POSITION"]
    held = replace(context, positions={"AAPL": Decimal(200)})
    assert near_limits(replace(ORDER, side=Side.SELL), held) == ()


def test_layer_8_passes_a_trade_that_lowers_the_risk_of_a_book_in_breach() -> None:
    tight = bound("value_at_risk_99", 0.05)
    assert rules(risk=FixedRisk(now=90_000.0, per_unit=-100.0), risk_limits=tight) == []


def test_layer_8_refuses_new_risk_after_a_loss_and_passes_reductions() -> None:
    fallen, lost = bound("drawdown", 0.25), bound("daily_loss", 0.05)

    assert rules(drawdown=0.26, risk_limits=fallen) == ["RISK_ABOVE_DRAWDOWN"]
    assert rules(daily_pnl=Decimal(-50_001), risk_limits=lost) == ["RISK_ABOVE_DAILY_LOSS"]
    short = {"AAPL": Decimal(-100)}
    assert rules(drawdown=0.26, risk_limits=fallen, positions=short) == []


def test_layer_8_judges_the_portfolio_by_all_its_books() -> None:
    beside = Beside(
        equity=1e6, daily_pnl=-90_000.0, drawdown=0.3, risk=FixedRisk(now=150_000.0, per_unit=100.0)
    )
    state = {
        "beside": {Scope.PORTFOLIO: beside},
        "risk": FixedRisk(now=0.0, per_unit=100.0),
        "daily_pnl": Decimal(-30_000),
    }
    for metric, below, above in (
        ("daily_loss", 0.0599, 0.06),
        ("drawdown", 0.29, 0.3),
        ("value_at_risk_99", 0.0799, 0.08),
        ("incremental_value_at_risk_99", 0.0049, 0.005),
    ):
        (rule,) = rules(risk_limits=bound(metric, below, scope=Scope.PORTFOLIO), **state)
        assert rule.startswith("RISK_ABOVE_")
        assert rules(risk_limits=bound(metric, above, scope=Scope.PORTFOLIO), **state) == []


def test_layer_9_stops_everything_by_the_kill_switch_even_reductions() -> None:
    held = {"AAPL": Decimal(-100)}

    assert rules(kill_switch="feed is stale", positions=held) == ["STATE_KILL_SWITCH"]
    assert rules(trading_state=TradingState.HALTED, positions=held) == ["STATE_HALTED"]


@pytest.mark.parametrize(("held", "refused"), [(-100, 0), (-99, 1), (0, 1), (50, 1)])
def test_layer_9_lets_reductions_pass_in_reducing_only(held: int, refused: int) -> None:
    found = rules(
        trading_state=TradingState.REDUCING, positions={"AAPL": Decimal(held)} if held else {}
    )

    assert found == ["STATE_REDUCING_ONLY"] * refused


def test_refusal_tells_every_breach_of_every_layer() -> None:
    order = replace(ORDER, quantity=Decimal("1000000.5"), **(LIMIT | {"limit_price": Decimal(1)}))
    context = replace(
        CONTEXT,
        restricted={"AAPL": "list"},
        recent=[sent("x", seconds_ago=0)],
        risk=FixedRisk(0.0, 1.0),
        risk_limits=LimitSet(
            [
                ROOMY,
                *(
                    Limit(
                        metric="value_at_risk_99",
                        scope=Scope.STRATEGY,
                        warn=0.1,
                        soft=0.1,
                        hard=0.1,
                        owner="risk",
                    ),
                ),
            ]
        ),
        kill_switch="test",
    )

    assert {breach.layer for breach in check(order, context)} == set(Layer)
    with pytest.raises(RefusedError, match=r"order x is refused: FORM_LOT_MISFIT.*STATE_KILL"):
        approve(order, context)


def override(**changes: object) -> Override:
    return Override(
        **{
            "override_id": "o",
            "rule": "SIZE_ABOVE_QUANTITY",
            "scope": "strategy",
            "reason": "index rebalance",
            "granted_by": "risk manager",
            "granted_at": NOW,
            "expires_at": NOW + timedelta(hours=1),
        }
        | changes
    )


def test_override_lifts_its_rule_in_its_book_until_it_expires() -> None:
    tight = replace(CONTEXT, limits=limits(max_order_quantity=Decimal(99)))

    def passes(given: Override, now: datetime = NOW) -> bool:
        try:
            approve(ORDER, replace(tight, overrides=[given], now=now))
        except RefusedError:
            return False
        return True

    assert passes(override())
    assert passes(override(scope="portfolio"))
    assert not passes(override(scope="other"))
    assert not passes(override(rule="SIZE_ABOVE_NOTIONAL"))
    assert not passes(override(), now=NOW + timedelta(hours=1))
    assert not passes(override(), now=NOW - timedelta(seconds=1))


@pytest.mark.parametrize("rule", ["FORM_LOT_MISFIT", "STATE_KILL_SWITCH"])
def test_form_and_the_kill_switch_cannot_be_overridden(rule: str) -> None:
    with pytest.raises(InvalidInputError, match=f"{rule} cannot be overridden"):
        override(rule=rule)


def test_override_of_a_rule_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="no rule is called 'SIZE'"):
        override(rule="SIZE")


def test_override_without_a_reason_or_an_end_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="needs a reason"):
        override(reason=" ")
    with pytest.raises(InvalidInputError, match="not after it was granted"):
        override(expires_at=NOW)


def test_limit_that_is_not_positive_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="margin_rate must be positive, got 0"):
        limits(margin_rate=Decimal(0))


def test_working_orders_sum_what_is_left_by_side() -> None:
    orders = [ORDER, replace(ORDER, side=Side.SELL), replace(ORDER, quantity=Decimal(5))]

    assert working_orders(orders) == {"AAPL": Working(Decimal(105), Decimal(100))}


@settings(max_examples=60)
@given(
    st.integers(-300, 300),
    st.integers(0, 200),
    st.integers(0, 200),
    st.integers(1, 300),
    st.sampled_from([Side.BUY, Side.SELL]),
)
def test_an_order_that_reduces_never_worsens_the_worst_position(
    held: int, to_buy: int, to_sell: int, quantity: int, side: Side
) -> None:
    order = replace(ORDER, side=side, quantity=Decimal(quantity))
    context = replace(
        CONTEXT,
        positions={"AAPL": Decimal(held)},
        working={"AAPL": Working(Decimal(to_buy), Decimal(to_sell))},
    )
    if context.reduces(order):
        before = abs(context.worst_position("AAPL"))
        assert abs(context.worst_position("AAPL", order)) <= max(before, abs(Decimal(held)))
