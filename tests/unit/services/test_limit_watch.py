"""Breaches are told once, again only if worse, and cleared with a margin."""

from datetime import UTC, date, datetime

from risk.limits import Limit, Observation, Override, Scope, evaluate
from services.limit_watch import CLEARED, RAISED, LimitWatch
from services.ports import Alert, Severity

DAY, NOON = date(2022, 12, 28), datetime(2022, 12, 28, 12, tzinfo=UTC)
WEIGHT = Limit(metric="weight", scope=Scope.SYMBOL, warn=0.1, soft=0.12, hard=0.15, owner="risk")


def judge(watch: LimitWatch, *values: float, limit: Limit = WEIGHT) -> list[Alert]:
    """Show the watch one value after another; return everything it told."""
    told = []
    for value in values:
        observed = [Observation("weight", Scope.SYMBOL, "AAPL", value)]
        told += watch.judge(evaluate([limit], observed, as_of=DAY), as_of=DAY, at=NOON)
    return told


def test_a_breach_is_told_once_however_long_it_lasts() -> None:
    watch = LimitWatch(portfolio="core")

    (alert,) = judge(watch, 0.05, 0.11, 0.16, 0.17, 0.155, 0.16)

    assert (alert.kind, alert.severity, alert.scope) == (RAISED, Severity.CRITICAL, "core")
    assert alert.message == (
        "weight of symbol AAPL is 0.16, above the hard limit of 0.15 (fraction of equity)"
    )
    assert alert.figures["value"] == 0.16
    assert alert.figures["threshold"] == 0.15


def test_hovering_at_the_limit_is_silent() -> None:
    watch = LimitWatch(portfolio="core", hysteresis=0.05)

    told = judge(watch, 0.16, 0.149, 0.151, 0.1426, 0.151, 0.149)

    assert [alert.kind for alert in told] == [RAISED]


def test_it_is_cleared_below_the_softest_threshold_by_the_margin() -> None:
    watch = LimitWatch(portfolio="core", hysteresis=0.05)

    # 0.1141 is above 95% of the soft limit of 0.12, 0.1139 below.
    told = judge(watch, 0.16, 0.13, 0.119, 0.1141, 0.1139, 0.119)

    assert [(alert.kind, alert.severity) for alert in told] == [
        (RAISED, Severity.CRITICAL),
        (CLEARED, Severity.INFO),
    ]
    assert watch.standing == {}


def test_a_breach_that_gets_worse_is_told_again() -> None:
    told = judge(LimitWatch(portfolio="core"), 0.13, 0.14, 0.16)

    assert [alert.figures["state"] for alert in told] == ["soft", "hard"]
    assert [alert.severity for alert in told] == [Severity.WARNING, Severity.CRITICAL]


def test_the_next_breach_is_another_alert_and_the_same_one_is_not() -> None:
    watch = LimitWatch(portfolio="core")

    first, _, second, _, third = judge(watch, 0.16, 0.01, 0.16, 0.01, 0.16)

    assert len({first.alert_id, second.alert_id, third.alert_id}) == 3
    # Down to soft and up to hard again within one breach: told again, the same alert.
    again = judge(watch, 0.13, 0.16)
    assert [alert.alert_id for alert in again] == [third.alert_id]


def test_a_position_that_is_closed_clears_its_breach() -> None:
    watch = LimitWatch(portfolio="core")
    judge(watch, 0.16)

    (alert,) = watch.judge([], as_of=DAY, at=NOON)

    assert alert.kind == CLEARED
    assert alert.message == "weight of symbol AAPL is not held any more"


def test_after_a_restart_nothing_is_told_twice_and_what_was_not_told_is() -> None:
    watch = LimitWatch(portfolio="core")
    before = watch.kept()
    (told,) = judge(watch, 0.16)

    knows, forgot = LimitWatch(portfolio="core"), LimitWatch(portfolio="core")
    knows.restore(watch.kept())
    forgot.restore(before)

    assert judge(knows, 0.16) == []
    # It died between the breach and the queue: the same alert, by its id.
    assert [alert.alert_id for alert in judge(forgot, 0.17)] == [told.alert_id]


def test_an_override_lifts_the_breach() -> None:
    watch = LimitWatch(portfolio="core")
    judge(watch, 0.16)
    raised = Override(hard=0.25, reason="merger", granted_by="cro", expires=DAY)
    lifted = Limit(
        metric="weight", scope=Scope.SYMBOL, warn=0.1, soft=0.12, hard=0.15, owner="risk",
        override=raised,
    )  # fmt: skip

    assert [alert.kind for alert in judge(watch, 0.16, limit=lifted)] == [CLEARED]
