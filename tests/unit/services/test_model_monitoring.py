"""Tests of watching versions in service, and of what is done about a breach."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from basics.clock import ManualClock
from infra.database.engine import Database, open_database
from infra.database.predictions import DatabasePredictionLog
from infra.database.results import DatabaseResultStore
from infra.database.schema import upgrade_database
from infra.setting_groups import DatabaseSettings
from models.arms import Arm
from models.monitoring import MonitoringPolicy
from models.monitoring_limits import LimitRule
from services.breach_response import RETRAINING_KIND, BreachResponse
from services.model_monitoring import LIMITS_KIND, ModelMonitoring, VersionMonitor, alerts_of
from services.ports import Alert, ServedPrediction
from services.training import Training
from tests.fakes.model_registry import MemoryRegistry
from tests.small_market import inputs

NOW = datetime(2014, 1, 1, tzinfo=UTC)
DAY = date(2013, 12, 31)
INPUTS = inputs(skill=0.5)
# The small trees say few different things, and others after each refit.
LAX = MonitoringPolicy(prediction_stability=10.0)
STRICT = replace(LAX, coverage_low=0.98, coverage_high=1.0)


@pytest.fixture(scope="module")
def registry() -> MemoryRegistry:
    """Version 1 says nothing, 2 is skilled and reigns."""
    registry = MemoryRegistry()
    Training(registry, code_version="c1").train(INPUTS)
    return registry


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(DatabaseSettings(), state_dir=tmp_path)
    upgrade_database(database)
    yield database
    database.close()


def watch(
    registry: MemoryRegistry,
    database: Database,
    policy: MonitoringPolicy = LAX,
    data_version: str = "d1",
) -> VersionMonitor:
    results = DatabaseResultStore(database, ManualClock(NOW))
    monitoring = ModelMonitoring(
        registry, DatabasePredictionLog(database), policy, results=results, seed=7
    )
    (found,) = monitoring.watch(
        "price", features=INPUTS.features, data_version=data_version, as_of=DAY
    )
    return found


def test_the_reigning_version_is_watched_and_the_baseline_is_not(
    registry: MemoryRegistry, database: Database
) -> None:
    found = watch(registry, database)

    assert (found.label, found.aliases, found.scope) == (
        "price v2 lightgbm", ("champion",), "price v2",
    )  # fmt: skip
    assert found.points[-1].session == INPUTS.features.sessions[-1].astype(object)
    assert found.points[-1].rank_ic is not None
    assert found.points[-1].rank_ic.low > 0
    assert {row.name for row in found.features} == {"signal", "noise"}
    assert (found.stale, found.breaches, found.asks_for_training) == (False, (), False)


def test_answers_given_in_service_run_on_from_those_kept_with_the_version(
    registry: MemoryRegistry, database: Database
) -> None:
    before = watch(registry, database)
    rows = [
        ServedPrediction(
            model="price", version=2, arm=arm, entity=symbol, session=DAY + timedelta(day),
            value=0.01 * place, answered_at=NOW, outcome=0.01 * place,
        )
        for day in range(1, 71)
        for place, symbol in enumerate("ABCDEF")
        for arm in (Arm.CHAMPION, Arm.SHADOW)
    ]  # fmt: skip
    log = DatabasePredictionLog(database)
    log.append(rows)
    log.join("price", {(row.entity, row.session): row.outcome or 0.0 for row in rows})

    after = watch(registry, database)

    assert (before.served, after.served) == (0, 70)
    assert after.points[-1].session == DAY + timedelta(70)
    assert before.points[-1].rank_ic is not None
    assert after.points[-1].rank_ic is not None
    assert after.points[-1].rank_ic.value > before.points[-1].rank_ic.value


def test_a_breach_is_told_once_and_asks_for_newer_data_once(
    registry: MemoryRegistry, database: Database
) -> None:
    calm = watch(registry, database, STRICT)
    found = watch(registry, database, STRICT, data_version="d2")
    sent: list[Alert] = []
    trained: list[str] = []

    def send(alerts: Sequence[Alert]) -> int:
        known = {alert.alert_id for alert in sent}
        sent.extend(alert for alert in alerts if alert.alert_id not in known)
        return len(sent) - len(known)

    def train(name: str) -> str:
        trained.append(name)
        return f"{name} v3"

    results = DatabaseResultStore(database, ManualClock(NOW))
    response = BreachResponse(results, ManualClock(NOW), send=send, train=train)
    first = response.respond([found], as_of=DAY)
    again = response.respond([found], as_of=DAY)
    later = response.respond([replace(found, as_of=DAY + timedelta(1))], as_of=DAY + timedelta(1))

    # Nothing newer to learn from: told, but not trained.
    assert calm.breaches
    assert not calm.asks_for_training
    assert [b.rule for b in found.breaches] == ["coverage too low"]
    assert (first.breaches, first.told, dict(first.trained)) == (1, 1, {"price": "price v3"})
    assert (again.breaches, again.told, dict(again.trained)) == (1, 0, {})
    assert (later.told, trained) == (1, ["price", "price"])
    kept = results.history(RETRAINING_KIND, "price")[0].payload
    assert (kept["breached"], kept["made"]) == ("price v2 lightgbm", "price v3")
    assert "it is too narrow" in kept["because"][0]

    left = BreachResponse(results, ManualClock(NOW), send=send, train=lambda _: None)
    after = DAY + timedelta(2)
    # What the week's training is left with is told all the same, and not kept as trained.
    acted = left.respond([replace(found, as_of=after)], as_of=after)
    assert (acted.told, dict(acted.trained)) == (1, {})
    assert len(results.history(RETRAINING_KIND, "price")) == 2


def test_limits_are_chosen_once_and_kept_with_the_version(
    registry: MemoryRegistry, database: Database
) -> None:
    policy = replace(LAX, limits=LimitRule(least_sessions=200, resamples=100))
    results = DatabaseResultStore(database, ManualClock(NOW))

    short = watch(registry, database)
    first = watch(registry, database, policy)
    kept = results.latest(LIMITS_KIND, "price v2")
    results.put(
        LIMITS_KIND, "price v2", DAY, dict(kept.payload) | {"rank_ic_low": 0.9}, kept.lineage
    )
    again = watch(registry, database, policy)

    assert short.limits.declared
    assert first.limits.chosen_to is not None
    assert first.limits.chosen_to < DAY
    assert set(first.limits.features) == {"signal", "noise"}
    assert first.limits.rank_ic_low is not None
    assert {rate.rule for rate in first.limits.later} >= {"rank correlation", "coverage too low"}
    assert kept.lineage["model"] == "price v2 lightgbm"
    # What is kept decides, and is not chosen anew.
    assert again.limits.rank_ic_low == 0.9
    assert [b.rule for b in again.breaches] == ["rank correlation"]
    assert again.breaches[0].text.endswith("is the rank correlation (at least 0.9)")


def test_an_alert_carries_the_figure_and_the_limit(
    registry: MemoryRegistry, database: Database
) -> None:
    (alert,) = alerts_of(watch(registry, database, STRICT), at=NOW)

    assert (alert.kind, alert.scope) == ("model.monitoring", "price v2")
    assert alert.message.startswith("price v2 lightgbm, coverage too low: 0.")
    assert alert.figures["limit"] == 0.98
