"""The contract of the model registry, on the fake in memory and on MLflow."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from basics.clock import ManualClock
from basics.errors import (
    ConflictError,
    InvalidInputError,
    MissingDataError,
    RefusedError,
    UnavailableError,
)
from infra.model_registry import MlflowRegistry
from infra.remote_registry import RemoteRegistry
from services.ports import ModelRegistry, ModelRun
from services.ports.models import PARENT_TAG, STUDY_PREFIX, STUDY_TAG, TUNING_LOSS
from tests.fakes.model_registry import MemoryRegistry
from tests.mlflow_server import MlflowServer

CLOCK = ManualClock(datetime(2022, 12, 28, 21, tzinfo=UTC))


@pytest.fixture(scope="module")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry with its tables made once: MLflow takes a second for it."""
    folder = tmp_path_factory.mktemp("mlflow")
    MlflowRegistry(folder, clock=CLOCK).record(_run("warm", name="other"))
    return folder


@pytest.fixture
def folder(empty_registry: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(empty_registry, tmp_path / "a moved folder"))


@pytest.fixture(params=["memory", "mlflow", "server"])
def registry(request: pytest.FixtureRequest) -> ModelRegistry:
    if request.param == "memory":
        return MemoryRegistry()
    if request.param == "server":
        return request.getfixturevalue("remote")
    return MlflowRegistry(request.getfixturevalue("folder"), clock=CLOCK)


@pytest.fixture
def remote(mlflow_server: MlflowServer, tmp_path: Path) -> RemoteRegistry:
    mlflow_server.empty()
    return RemoteRegistry(mlflow_server.url, tmp_path, clock=CLOCK, timeout_seconds=30)


def _run(trial: str, *, name: str = "price", sharpe: float | None = 0.1) -> ModelRun:
    return ModelRun(
        name=name,
        estimator="lightgbm",
        trial_key=trial,
        parameters={"trees": 100, "features": ["a", "b"]},
        metrics={} if sharpe is None else {"sharpe_per_period": sharpe},
        series={"rank_ic_by_year": [(2020, 0.1), (2021, -0.1)]},
        files={"model/model.txt": b"tree\n" + trial.encode(), "plots/a.png": b"png"},
        tags={"feature_set": "s@1", "feature_hash": "f00", "data_version": "d1"},
    )


def test_a_version_comes_back_with_all_that_was_said_of_it(registry: ModelRegistry) -> None:
    made = registry.register(_run("t1"), format="lightgbm-text", input_key="k1")

    version = registry.resolve("price", made.version)

    assert version == made
    assert version.label == "price v1 lightgbm"
    assert (version.feature_set, version.feature_hash, version.data_version) == ("s@1", "f00", "d1")
    assert registry.read(version, "model.txt") == b"tree\nt1"
    assert list(version.sha256) == ["model.txt"]


def test_a_study_tells_its_trials_and_is_none_itself(registry: ModelRegistry) -> None:
    study = replace(_run(f"{STUDY_PREFIX}s1"), series={}, metrics={})
    parent = registry.record(study)
    tags = {STUDY_TAG: "s1", PARENT_TAG: parent}
    for trial, losses in (("t1", [(2011, 0.5), (2012, 0.25)]), ("t2", [(2011, 0.75)])):
        run = _run(trial)
        registry.record(
            replace(run, series={TUNING_LOSS: losses}, tags={**run.tags, **tags}, files={})
        )

    assert registry.study("price", "s1") == {"t1": {2011: 0.5, 2012: 0.25}, "t2": {2011: 0.75}}
    assert registry.study("price", "other") == {}
    assert set(registry.trials("price")) == {"t1", "t2"}


def test_the_same_inputs_never_make_a_second_version(registry: ModelRegistry) -> None:
    first = registry.register(_run("t1"), format="lightgbm-text", input_key="k1")
    again = registry.register(_run("t1"), format="lightgbm-text", input_key="k1")

    assert again == first
    assert len(registry.versions("price")) == 1
    assert registry.find("price", "k1") == first
    assert registry.find("price", "k2") is None


def test_versions_are_numbered_in_the_order_they_were_made(registry: ModelRegistry) -> None:
    for number in (1, 2, 3):
        registry.register(_run(f"t{number}"), format="lightgbm-text", input_key=f"k{number}")

    assert [v.version for v in registry.versions("price")] == [1, 2, 3]
    assert "price" in registry.names()


def test_an_alias_moves_only_from_where_it_was_seen(registry: ModelRegistry) -> None:
    for number in (1, 2):
        registry.register(_run(f"t{number}"), format="lightgbm-text", input_key=f"k{number}")
    registry.move_alias("price", "champion", 1, expected=None, reason="first")

    with pytest.raises(ConflictError, match="stands on version 1, not None"):
        registry.move_alias("price", "champion", 2, expected=None, reason="late")
    registry.move_alias("price", "champion", 2, expected=1, reason="better")
    registry.move_alias("price", "champion", 2, expected=1, reason="said twice")

    assert registry.resolve("price", "champion").version == 2
    moves = [(m.alias, m.before, m.after, m.reason) for m in registry.moves("price")]
    assert moves == [("champion", None, 1, "first"), ("champion", 1, 2, "better")]


def test_an_alias_can_be_taken_away_and_given_again(registry: ModelRegistry) -> None:
    registry.register(_run("t1"), format="lightgbm-text", input_key="k1")
    registry.move_alias("price", "shadow", 1, expected=None, reason="begun")
    registry.move_alias("price", "shadow", None, expected=1, reason="ended")
    registry.move_alias("price", "shadow", None, expected=None, reason="said twice")

    assert registry.aliases("price") == {}
    registry.move_alias("price", "shadow", 1, expected=None, reason="again")

    moves = [(m.before, m.after, m.reason) for m in registry.moves("price")]
    assert moves == [(None, 1, "begun"), (1, None, "ended"), (None, 1, "again")]


def test_every_configuration_counts_as_one_trial(registry: ModelRegistry) -> None:
    registry.record(_run("t1", sharpe=0.2))
    registry.record(_run("t1", sharpe=0.2))
    registry.record(_run("t2", sharpe=None))
    registry.register(_run("t3", sharpe=-0.1), format="lightgbm-text", input_key="k3")

    assert registry.trials("price") == {"t1": 0.2, "t2": None, "t3": -0.1}


def test_a_tag_can_be_written_unless_it_is_signed(registry: ModelRegistry) -> None:
    registry.register(_run("t1"), format="lightgbm-text", input_key="k1")

    registry.annotate("price", 1, "gate", "held")

    assert registry.resolve("price", 1).tags["gate"] == "held"
    with pytest.raises(InvalidInputError, match="signed"):
        registry.annotate("price", 1, "sha256", "{}")


@pytest.mark.parametrize("wanted", ["champion", 7, "7"])
def test_an_unknown_version_is_missing(registry: ModelRegistry, wanted: str | int) -> None:
    registry.register(_run("t1"), format="lightgbm-text", input_key="k1")

    with pytest.raises(MissingDataError, match=r"has no '(champion|7)'"):
        registry.resolve("price", wanted)


def test_a_file_that_was_never_kept_is_missing(registry: ModelRegistry) -> None:
    version = registry.register(_run("t1"), format="lightgbm-text", input_key="k1")

    with pytest.raises(MissingDataError, match="has no file 'other'"):
        registry.read(version, "other")


def test_a_tampered_or_truncated_file_is_refused(folder: Path) -> None:
    registry = MlflowRegistry(folder, clock=CLOCK)
    version = registry.register(_run("t1"), format="lightgbm-text", input_key="k1")
    file = Path(version.folder) / "model.txt"

    file.write_bytes(file.read_bytes()[:-1])

    with pytest.raises(RefusedError, match="changed or cut short"):
        registry.read(version, "model.txt")


def test_a_digest_changed_in_the_database_is_refused(folder: Path) -> None:
    import sqlite3

    registry = MlflowRegistry(folder, clock=CLOCK)
    made = registry.register(_run("t1"), format="lightgbm-text", input_key="k1")
    (Path(made.folder) / "model.txt").write_bytes(b"tree\nevil")
    with sqlite3.connect(folder / "mlflow.db") as database:
        import hashlib
        import json

        digest = json.dumps({"model.txt": hashlib.sha256(b"tree\nevil").hexdigest()})
        database.execute("UPDATE model_version_tags SET value = ? WHERE key = 'sha256'", [digest])
    database.close()

    with pytest.raises(RefusedError, match="signature of its digests is wrong"):
        registry.read(registry.resolve("price", 1), "model.txt")


def test_the_tables_are_read_as_the_client_reads_them(folder: Path) -> None:
    from mlflow import MlflowClient

    registry = MlflowRegistry(folder, clock=CLOCK)
    registry.register(_run("t1"), format="lightgbm-text", input_key="k1")
    registry.move_alias("price", "champion", 1, expected=None, reason="first")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)

    theirs = client.get_model_version_by_alias("price", "champion")
    ours = registry.resolve("price", "champion")

    assert (ours.name, ours.version, ours.run_id) == ("price", int(theirs.version), theirs.run_id)
    assert ours.tags == theirs.tags
    run = client.get_run(ours.run_id)
    assert run.data.params == {"trees": "100", "features": '["a", "b"]'}
    assert run.data.metrics["sharpe_per_period"] == 0.1
    assert run.info.status == "FINISHED"


def test_mlflows_pages_tell_what_is_foretold_when_and_by_what(folder: Path) -> None:
    from mlflow import MlflowClient

    run = _run("t1")
    card = b"# price: trees\n\n- Foretells the return of five sessions.\n- Features: two.\n"
    run = replace(
        run,
        series={"rank_ic_by_year": [(2020, 0.1)], "loss_by_month": [(612, 0.5)]},
        files=run.files | {"model/card.md": card},
        tags=run.tags | {"environment.commit": "abc"},
    )
    made = MlflowRegistry(folder, clock=CLOCK).register(run, format="lightgbm-text", input_key="k1")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)

    told = "Foretells the return of five sessions."
    assert client.get_registered_model("price").description == told
    assert client.get_experiment_by_name("price").tags["mlflow.note.content"] == told
    tags = client.get_run(made.run_id).data.tags
    assert (tags["mlflow.source.name"], tags["mlflow.source.git.commit"]) == ("quantdesk", "abc")
    # Each point stands at its own time: 2020, and January 2021.
    (year,) = client.get_metric_history(made.run_id, "rank_ic_by_year")
    (month,) = client.get_metric_history(made.run_id, "loss_by_month")
    assert datetime.fromtimestamp(year.timestamp / 1000, UTC) == datetime(2020, 1, 1, tzinfo=UTC)
    assert datetime.fromtimestamp(month.timestamp / 1000, UTC) == datetime(2021, 1, 1, tzinfo=UTC)


def test_runs_that_were_deleted_or_never_ended_still_count(folder: Path) -> None:
    registry = MlflowRegistry(folder, clock=CLOCK)
    run_id = registry.record(_run("t1", sharpe=0.2))
    registry._client.delete_run(run_id)
    registry._client.update_run(registry.record(_run("t2")), status="RUNNING")

    assert set(registry.trials("price")) == {"t1", "t2"}


def test_a_run_cut_off_is_closed_by_the_next_one(folder: Path) -> None:
    registry = MlflowRegistry(folder, clock=CLOCK)
    cut_off = registry.record(_run("t1"))
    registry._client.update_run(cut_off, status="RUNNING")

    again = registry.record(_run("t1"))

    assert again != cut_off
    assert registry._client.get_run(cut_off).info.status == "KILLED"


def test_a_move_written_and_not_made_is_made_once(folder: Path) -> None:
    registry = MlflowRegistry(folder, clock=CLOCK)
    registry.register(_run("t1"), format="lightgbm-text", input_key="k1")
    registry._client.set_registered_model_tag(
        "price",
        "move.000001",
        '{"alias": "champion", "before": null, "after": 1, "reason": "first", '
        '"moved_at": "2022-12-28T00:00:00+00:00"}',
    )

    assert registry.moves("price") == []
    registry.move_alias("price", "champion", 1, expected=None, reason="first")

    assert [(m.before, m.after) for m in registry.moves("price")] == [(None, 1)]


def test_a_registry_that_cannot_be_read_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"not a database, at length" * 100)

    with pytest.raises(UnavailableError, match=r"mlflow\.db cannot be read"):
        MlflowRegistry(tmp_path, clock=CLOCK).names()


def test_reading_imports_no_heavy_library(folder: Path) -> None:
    import subprocess
    import sys

    registry = MlflowRegistry(folder, clock=CLOCK)
    registry.register(_run("t1"), format="lightgbm-text", input_key="k1")
    code = (
        "import sys; from pathlib import Path; from infra.model_store import ModelStore; "
        f"s = ModelStore(Path({str(folder)!r})); s.read(s.resolve('price', 1), 'model.txt'); "
        "print(sorted({'mlflow', 'pandas', 'sklearn', 'lightgbm', 'scipy'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_what_a_machine_read_goes_on_serving_while_the_server_is_gone(
    mlflow_server: MlflowServer, remote: RemoteRegistry, tmp_path: Path
) -> None:
    from basics.errors import UnavailableError

    remote.register(_run("t1"), format="lightgbm-text", input_key="k1")
    remote.register(_run("t2"), format="lightgbm-text", input_key="k2")
    remote.move_alias("price", "champion", 1, expected=None, reason="first")
    champion = remote.resolve("price", "champion")
    remote.read(champion, "model.txt")
    second = remote.resolve("price", 2)

    with mlflow_server.gone():
        again = RemoteRegistry(mlflow_server.url, tmp_path, clock=CLOCK, timeout_seconds=5)
        assert again.names() == ["price"]
        assert again.resolve("price", "champion") == champion
        assert again.read(champion, "model.txt") == b"tree\nt1"
        assert "does not answer" in again.hindrance
        # What was never read, and what only the server can say or do.
        for ask in (
            lambda: again.read(second, "model.txt"),
            lambda: again.trials("price"),
            lambda: again.record(_run("t3")),
            lambda: again.move_alias("price", "champion", 2, expected=1, reason="late"),
            lambda: again.resolve("volatility", "champion"),
        ):
            with pytest.raises(UnavailableError, match=r"does not answer .* mlflow\.url"):
                ask()

    import time

    time.sleep(2.1)  # The breaker rests for two seconds.
    again.move_alias("price", "champion", 2, expected=1, reason="back")
    assert again.resolve("price", "champion").version == 2
    assert again.hindrance == ""


def test_a_copy_in_the_mirror_that_was_changed_is_refused_and_read_anew(
    remote: RemoteRegistry, tmp_path: Path
) -> None:
    version = remote.register(_run("t1"), format="lightgbm-text", input_key="k1")
    remote.read(version, "model.txt")
    (copy,) = tmp_path.glob("mirror/*/files/*")
    copy.write_bytes(b"tree\nevil")

    with pytest.raises(RefusedError, match="changed or cut short"):
        remote.read(version, "model.txt")

    assert remote.read(version, "model.txt") == b"tree\nt1"


def test_another_machine_needs_the_key_that_signed(
    mlflow_server: MlflowServer, remote: RemoteRegistry, tmp_path: Path
) -> None:
    version = remote.register(_run("t1"), format="lightgbm-text", input_key="k1")
    key = (tmp_path / "signing.key").read_bytes()

    def machine(name: str, signing_key: bytes | None) -> RemoteRegistry:
        folder = tmp_path / name
        return RemoteRegistry(
            mlflow_server.url, folder, clock=CLOCK, timeout_seconds=30, signing_key=signing_key
        )

    assert machine("a", key).read(version, "model.txt") == b"tree\nt1"
    with pytest.raises(RefusedError, match="signature of its digests is wrong"):
        machine("b", None).read(version, "model.txt")


def test_an_address_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="write http://host:port"):
        RemoteRegistry("mlflow:5000", tmp_path, clock=CLOCK, timeout_seconds=1)


def test_another_machines_move_at_the_same_moment_is_never_written_over(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = MlflowRegistry(folder, clock=CLOCK)
    for number in (1, 2):
        registry.register(_run(f"t{number}"), format="lightgbm-text", input_key=f"k{number}")
    registry.move_alias("price", "champion", 1, expected=None, reason="first")
    move = registry._client.set_registered_model_alias

    def overtaken(name: str, alias: str, version: str) -> None:
        move(name, alias, version)
        move(name, alias, "1")  # Another machine moves it back between our move and our look.

    monkeypatch.setattr(registry._client, "set_registered_model_alias", overtaken)

    with pytest.raises(ConflictError, match="was moved to version 2 and stands on 1: another"):
        registry.move_alias("price", "champion", 2, expected=1, reason="better")
    assert registry.aliases("price") == {"champion": 1}


def test_an_alias_moves_under_the_lock_that_all_machines_share(folder: Path) -> None:
    held: list[str] = []

    @contextmanager
    def alone(name: str) -> Iterator[None]:
        held.append(name)
        yield
        assert own.aliases("price") == {"champion": 1}  # Moved before it is let go.

    own = MlflowRegistry(folder, clock=CLOCK)
    own.alone = alone
    own.register(_run("t1"), format="lightgbm-text", input_key="k1")
    own.move_alias("price", "champion", 1, expected=None, reason="first")

    assert held == ["model aliases of price"]


def test_a_note_that_another_machine_wrote_stops_the_move(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = MlflowRegistry(folder, clock=CLOCK)
    registry.register(_run("t1"), format="lightgbm-text", input_key="k1")
    write = registry._client.set_registered_model_tag

    def overtaken(name: str, key: str, value: str) -> None:
        write(name, key, value)
        write(name, key, value.replace("first", "theirs"))

    monkeypatch.setattr(registry._client, "set_registered_model_tag", overtaken)

    with pytest.raises(ConflictError, match="another machine writes a move of it at this moment"):
        registry.move_alias("price", "champion", 1, expected=None, reason="first")
    assert registry.aliases("price") == {}


def test_a_registry_that_was_taken_away_is_unavailable_and_not_empty(folder: Path) -> None:
    registry = MlflowRegistry(folder, clock=CLOCK)
    version = registry.register(_run("t1"), format="lightgbm-text", input_key="k1")
    (folder / "mlflow.db").rename(folder / "away.db")

    with pytest.raises(UnavailableError, match="is gone, though its artefacts stand"):
        registry.aliases("price")
    with pytest.raises(UnavailableError, match="is gone"):
        registry.record(_run("t2"))
    (folder / "away.db").rename(folder / "mlflow.db")
    assert registry.resolve("price", 1) == version
