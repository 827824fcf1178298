"""Tests of a verdict carried out whole, or as if it never was."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from basics.clock import ManualClock
from basics.errors import RefusedError, UnavailableError
from infra.database.engine import Database, open_database
from infra.database.results import DatabaseResultStore
from infra.database.schema import upgrade_database
from infra.setting_groups import DatabaseSettings
from services.model_documents import EVALUATION, read_evaluation, read_manifest, to_json
from services.ports import ModelVersion
from services.promotion import Promotion
from services.settlement import VERDICT_KIND, Settlement, carry_out
from services.training import Training
from tests.fakes.model_registry import MemoryRegistry
from tests.small_market import inputs

NOW = datetime(2014, 1, 1, tzinfo=UTC)
DAY = date(2013, 12, 31)
STEPS = ("check the version", "move the alias", "keep the verdict", "tag the version")


@pytest.fixture
def registry() -> MemoryRegistry:
    """Version 2 beat the baseline and asks to reign; nothing was carried out yet."""
    registry = MemoryRegistry()
    with pytest.raises(KeyboardInterrupt):
        Training(registry, code_version="c1").train(inputs(skill=0.5), settle=_die)
    return registry


@pytest.fixture
def results(tmp_path: Path) -> DatabaseResultStore:
    database: Database = open_database(DatabaseSettings(), state_dir=tmp_path)
    upgrade_database(database)
    return DatabaseResultStore(database, ManualClock(NOW))


def _die(_: Settlement) -> None:
    raise KeyboardInterrupt


def settlement(
    registry: MemoryRegistry, results: DatabaseResultStore, *, promoted: bool = True
) -> Settlement:
    version: ModelVersion = registry.resolve("price", 2)
    stored = read_evaluation(registry.read(version, EVALUATION))
    return Settlement(
        registry,
        version,
        replace(stored.verdict, promoted=promoted),
        champion_version=stored.champion_version,
        results=results,
        desk_date=DAY,
    )


class Failing(Settlement):
    """Fails in one of its steps, before or after the step has done its work."""

    at: str = ""
    late: bool = False

    @property
    def steps(self):
        def failing(step):
            def do() -> None:
                if self.late:
                    step.do()
                raise UnavailableError(f"{step.name} failed")

            return replace(step, do=do)

        return tuple(failing(s) if s.name == self.at else s for s in super().steps)


def failing(made: Settlement, at: str, *, late: bool) -> Settlement:
    made.__class__ = Failing
    made.at, made.late = at, late
    return made


def test_a_promotion_moves_the_alias_and_keeps_its_evidence(
    registry: MemoryRegistry, results: DatabaseResultStore
) -> None:
    made = settlement(registry, results)
    carry_out(made)

    kept = results.latest(VERDICT_KIND, "price v2")
    assert registry.aliases("price") == {"champion": 2}
    assert registry.resolve("price", 2).tags["gate"] == made.outcome == "promoted"
    assert kept.desk_date == DAY
    assert kept.payload["outcome"] == "promoted"
    assert (kept.payload["aliases_before"], kept.payload["aliases_after"]) == (
        {"champion": 1},
        {"champion": 2},
    )
    assert kept.payload["verdict"]["promoted"] is True
    assert len(kept.payload["verdict"]["rules"]) >= 4
    assert kept.payload["verdict"]["evidence"][0]["rival"] == "zero"
    assert kept.lineage["data_version"] == "d1"


@pytest.mark.parametrize("promoted", [True, False])
@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize("step", STEPS)
def test_if_any_step_fails_the_aliases_stand_where_they_stood_and_the_next_run_goes_through(
    registry: MemoryRegistry,
    results: DatabaseResultStore,
    step: str,
    late: bool,  # noqa: FBT001 - a parameter of the test
    promoted: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    with pytest.raises(UnavailableError, match=f"{step} failed"):
        carry_out(failing(settlement(registry, results, promoted=promoted), step, late=late))

    assert registry.aliases("price") == {"champion": 1}
    assert not registry.resolve("price", 2).tags.get("gate")
    if results.scopes(VERDICT_KIND):
        assert results.latest(VERDICT_KIND, "price v2").payload["outcome"] == "undone"

    carry_out(settlement(registry, results, promoted=promoted))
    expected = {"champion": 2} if promoted else {"champion": 1, "challenger": 2}
    assert registry.aliases("price") == expected


def test_a_version_that_contradicts_its_own_example_never_reigns(
    registry: MemoryRegistry, results: DatabaseResultStore
) -> None:
    version = registry.resolve("price", 2)
    files = registry.files[version.run_id]
    manifest = read_manifest(files["manifest.json"])
    files["manifest.json"] = to_json(replace(manifest, example_prediction=9.0))
    registry.trust(version)

    with pytest.raises(RefusedError, match="of its own example"):
        carry_out(settlement(registry, results))

    assert registry.aliases("price") == {"champion": 1}


def test_what_cannot_be_taken_back_is_said_beside_the_failure(
    registry: MemoryRegistry, results: DatabaseResultStore
) -> None:
    made = failing(settlement(registry, results), "tag the version", late=False)

    def gone(*_: object, **__: object) -> None:
        raise UnavailableError("the registry is gone")

    steps = made.steps
    steps[0].do()
    steps[1].do()
    registry.move_alias = gone  # type: ignore[method-assign]

    with pytest.raises(UnavailableError) as caught:
        carry_out(made)

    notes = getattr(caught.value, "__notes__", [])
    assert any("move the alias could not be taken back" in note for note in notes)


def test_a_verdict_is_carried_out_once(
    registry: MemoryRegistry, results: DatabaseResultStore
) -> None:
    Training(registry, code_version="c1", results=results).train(inputs(skill=0.5))
    Promotion(registry).rollback("price")
    Training(registry, code_version="c1", results=results).train(inputs(skill=0.5))

    assert registry.aliases("price") == {"champion": 1}
    assert results.latest(VERDICT_KIND, "price v2").payload["outcome"] == "promoted"
