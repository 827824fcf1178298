"""The whole sample through gate, Data Docs and lake; and an ingest that is killed on the way."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from basics.clock import ManualClock
from infra.isolation import PROJECT_ROOT
from infra.market_data import build_market_data
from infra.settings import load_settings
from services.market_data import MarketData

CLOCK = ManualClock(datetime(2023, 1, 1, tzinfo=UTC))
INGEST = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from basics.clock import ManualClock
from infra.market_data import build_market_data
from infra.settings import load_settings

market = build_market_data(
    load_settings(state_dir=Path(sys.argv[1])), ManualClock(datetime(2023, 1, 1, tzinfo=UTC))
)
print("ready", flush=True)
market.ingest("sample", datasets=["factor_etfs"])
print("great_expectations" in sys.modules, flush=True)
"""


def market_in(folder: Path) -> MarketData:
    return build_market_data(load_settings(state_dir=folder), CLOCK)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("state")
    done = subprocess.run(
        [sys.executable, "-c", INGEST, str(folder)], cwd=PROJECT_ROOT, capture_output=True,
        text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


def test_people_can_read_what_was_validated_and_why(state: Path) -> None:
    site = state / "data-docs" / "gx" / "uncommitted" / "data_docs" / "local_site"

    pages = list((site / "validations" / "factor_etfs").rglob("*.html"))
    suite = (site / "expectations" / "factor_etfs.html").read_text()

    assert (site / "index.html").is_file()
    assert len(pages) == 2  # 2022 by itself, the years before together.
    assert "breaks return-outlier" in "".join(page.read_text() for page in pages)
    assert "A bar without a close has no price." in suite


def test_the_unchanged_sample_costs_no_validation(state: Path) -> None:
    again = subprocess.run(
        [sys.executable, "-c", INGEST, str(state)], cwd=PROJECT_ROOT, capture_output=True,
        text=True, timeout=120, check=False,
    )  # fmt: skip

    assert again.stdout.split() == ["ready", "False"], again.stderr[-2000:]


@pytest.mark.parametrize("delay_seconds", [0.6])
def test_a_killed_ingest_leaves_nothing_half_written_and_the_next_completes(
    state: Path, tmp_path: Path, delay_seconds: float
) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", INGEST.replace("market.ingest", WITHOUT_DOCS), str(tmp_path)],
        cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    time.sleep(delay_seconds)
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    writer.stdout.close()

    survivor = market_in(tmp_path)
    for known in survivor.catalog():  # What stands after the kill stands whole.
        whole = market_in(state).lake.state(known.dataset.name)
        assert known.rows in (0, whole.rows)
    subprocess.run(
        [sys.executable, "-c", INGEST.replace("market.ingest", WITHOUT_DOCS), str(tmp_path)],
        cwd=PROJECT_ROOT, capture_output=True, timeout=120, check=True,
    )  # fmt: skip

    assert {s.dataset.name: s.version for s in survivor.catalog()} == {
        s.dataset.name: s.version for s in market_in(state).catalog()
    }


# The kill is about the lake; the documents cost seconds and are tested above.
WITHOUT_DOCS = """
from dataclasses import replace
from services.ports import DataQualityDocument

class NoDocuments:
    def validate(self, dataset, batches, rules):
        return DataQualityDocument("", 0, 0, 0)
    def set_aside(self, dataset, rows):
        return None
    def released(self, dataset):
        return frozenset()

replace(market, reporter=NoDocuments()).ingest"""
