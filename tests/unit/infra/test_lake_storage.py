"""Tests of `infra.lake.storage`: whole or not at all, never over another, by folder or URL."""

import uuid
from pathlib import Path

import pytest

from basics.errors import InvalidInputError, MissingDataError, UnavailableError
from infra.lake.storage import FolderStorage, ObjectStorage, open_storage
from tests.object_store import ObjectStore


@pytest.fixture(params=["folder", "memory", "s3"])
def location(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    if request.param == "s3":
        store: ObjectStore = request.getfixturevalue("object_store")
        return store.bucket(monkeypatch)
    return str(tmp_path) if request.param == "folder" else f"memory://{uuid.uuid4().hex}"


def test_a_name_is_created_once(location: str) -> None:
    storage = open_storage(location)
    storage.create("a/b", b"first")

    with pytest.raises(FileExistsError):
        storage.create("a/b", b"second")
    assert storage.read("a/b") == b"first"


def test_names_and_walk_find_what_was_created_and_delete_removes_it(location: str) -> None:
    storage = open_storage(location)
    for key in ("x/2", "x/1", "x/y/3"):
        storage.create(key, b"1")

    assert storage.names("x") == ["1", "2", "y"]
    assert sorted(key for key, _ in storage.walk("x")) == ["x/1", "x/2", "x/y/3"]
    storage.delete("x/1")
    storage.delete("x/1")
    assert storage.names("x") == ["2", "y"]
    assert storage.names("nothing") == []


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a folder is needed")
    storage = FolderStorage(tmp_path)

    with pytest.raises(UnavailableError, match="cannot write"):
        storage.create("taken/b", b"1")

    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["taken"]


def test_polars_reads_known_stores_by_url_and_others_through_bytes() -> None:
    assert ObjectStorage(None, "bucket/lake", "s3").source("a.parquet") == (
        "s3://bucket/lake/a.parquet"
    )
    storage = open_storage(f"memory://{uuid.uuid4().hex}")
    storage.create("a", b"1")
    assert storage.source("a").read() == b"1"


def test_a_store_that_is_gone_or_has_no_such_bucket_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import s3fs

    store = ObjectStore()
    storage = open_storage(store.bucket(monkeypatch))
    storage.create("a", b"1")
    with pytest.raises(MissingDataError, match="make the bucket, or correct the lake's URL"):
        open_storage("s3://no-such-bucket/desk").create("a", b"1")
    store.close()

    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    s3fs.S3FileSystem.clear_instance_cache()
    gone = open_storage("s3://lake/desk")
    for work in (lambda: gone.read("a"), lambda: gone.create("b", b"1"), lambda: gone.names("")):
        with pytest.raises(UnavailableError, match="does not answer"):
            work()


def test_an_unknown_protocol_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="cannot open the lake at nowhere://x"):
        open_storage("nowhere://x")
