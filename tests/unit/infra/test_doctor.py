"""Tests of `infra.doctor`: what it says of the P&L attribution test."""

from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest

from basics.clock import ManualClock
from infra.database.engine import open_database
from infra.database.results import DatabaseResultStore
from infra.database.schema import upgrade_database
from infra.doctor import Finding, examine
from infra.settings import Settings
from pnl.attribution_test import Zone
from services.pnl_health import HEALTH_KIND, ModelTest, PnlHealth


def attribution(state: Path) -> Finding:
    (found,) = (f for f in examine(Settings(state_dir=state)) if f.subject == "P&L attribution")
    return found


def keep(state: Path, zone: Zone) -> None:
    tests = (ModelTest(model="own prices", sees="", observations=250, zone=zone),)
    health = PnlHealth(
        portfolio="core", day=date(2022, 6, 1), currency="USD", zone=zone, tests=tests
    )
    database = open_database(Settings(state_dir=state).database, state_dir=state)
    upgrade_database(database)
    store = DatabaseResultStore(database, ManualClock(datetime(2022, 6, 1, tzinfo=UTC)))
    store.put(HEALTH_KIND, "core", health.day, msgspec.to_builtins(health), {})
    database.close()


def test_before_the_first_day_there_is_nothing_to_say(tmp_path: Path) -> None:
    found = attribution(tmp_path)

    assert (found.healthy, found.detail) == (True, "not read: the schema is not this program's")


@pytest.mark.parametrize("zone", [Zone.GREEN, Zone.AMBER])
def test_the_zones_stand_in_one_line(tmp_path: Path, zone: Zone) -> None:
    keep(tmp_path, zone)

    found = attribution(tmp_path)

    assert (found.healthy, found.detail) == (True, f"core on 2022-06-01: own prices {zone}")


def test_a_red_zone_is_something_to_mend(tmp_path: Path) -> None:
    keep(tmp_path, Zone.RED)

    found = attribution(tmp_path)

    assert not found.healthy
    assert found.detail.endswith("own prices red: see `quantdesk pnl health`")
