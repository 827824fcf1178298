"""Tests of `infra.files`."""

from pathlib import Path

import pytest

from infra.files import write_whole


def test_the_new_content_takes_the_place_of_the_old(tmp_path: Path) -> None:
    path = tmp_path / "made" / "on demand" / "a.txt"

    write_whole(path, b"old")

    assert write_whole(path, b"new").read_bytes() == b"new"
    assert [child.name for child in path.parent.iterdir()] == ["a.txt"]


def test_what_cannot_take_its_place_leaves_nothing_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    (folder / "kept").mkdir(parents=True)

    with pytest.raises(OSError, match="a"):
        write_whole(folder, b"new")

    assert [child.name for child in tmp_path.iterdir()] == ["a"]
    assert (folder / "kept").is_dir()
