"""Tests of DVC's names of data: told where what it recorded still stands, and never else."""

import hashlib
import json
from pathlib import Path

from infra.dvc_data import dvc_tags

VERSION = "abc123"


def _checkout(root: Path, version: str = VERSION) -> str:
    """Write what the stage `data` left and what DVC recorded of it; return its md5."""
    content = json.dumps({"dataset": "equities", "version": version}).encode()
    place = root / "var" / "experiment" / "data.json"
    place.parent.mkdir(parents=True)
    place.write_bytes(content)
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    (root / "dvc.lock").write_text(
        "schema: '2.0'\nstages:\n  data:\n    cmd: x\n    outs:\n"
        f"    - path: var/experiment/data.json\n      hash: md5\n      md5: {md5}\n      size: 9\n"
    )
    return md5


def test_the_data_of_the_stage_have_the_name_that_dvc_recorded(tmp_path: Path) -> None:
    md5 = _checkout(tmp_path)

    found = dvc_tags(tmp_path, tmp_path / "lake", {}, VERSION)

    assert found == {"dvc.data": md5, "dvc.path": "var/experiment/data.json"}


def test_other_data_than_dvc_recorded_have_no_name(tmp_path: Path) -> None:
    _checkout(tmp_path)

    assert dvc_tags(tmp_path, tmp_path / "lake", {}, "later") == {}
    (tmp_path / "var" / "experiment" / "data.json").write_text(json.dumps({"version": VERSION}))
    assert dvc_tags(tmp_path, tmp_path / "lake", {}, VERSION) == {}


def test_a_tracked_folder_of_the_lake_has_its_name_while_it_stands(tmp_path: Path) -> None:
    folder = tmp_path / "lake" / "equities"
    folder.mkdir(parents=True)
    (folder / "a.parquet").write_bytes(b"12345")
    (tmp_path / "equities.dvc").write_text(
        "outs:\n- md5: f00.dir\n  size: 5\n  nfiles: 1\n  path: lake/equities\n"
    )
    named = {VERSION: "equities"}

    assert dvc_tags(tmp_path, tmp_path / "lake", named, VERSION)["dvc.data"] == "f00.dir"
    (folder / "b.parquet").write_bytes(b"6")
    assert dvc_tags(tmp_path, tmp_path / "lake", named, VERSION) == {}


def test_a_checkout_without_dvc_or_with_a_broken_lock_file_has_none(tmp_path: Path) -> None:
    assert dvc_tags(tmp_path, tmp_path / "lake", {}, VERSION) == {}
    (tmp_path / "dvc.lock").write_text("{not yaml: [")
    assert dvc_tags(tmp_path, tmp_path / "lake", {}, VERSION) == {}
