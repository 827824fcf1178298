"""Tests of `basics.identifiers`: equal content, equal name; other content, other name."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from basics.identifiers import content_hash, file_sha256, short_id


def test_the_order_of_keys_does_not_matter() -> None:
    assert content_hash({"a": 1, "b": 2}) == content_hash({"b": 2, "a": 1})


def test_parts_do_not_run_together() -> None:
    assert content_hash("ab", "c") != content_hash("a", "bc")


def test_an_array_hashes_by_type_shape_and_bytes() -> None:
    values = np.arange(6.0)

    names = {
        content_hash(values),
        content_hash(values.reshape(2, 3)),
        content_hash(values.astype(np.float32)),
        content_hash(values + 1),
    }

    assert len(names) == 4


def test_a_view_and_its_copy_have_one_name() -> None:
    values = np.arange(12.0).reshape(3, 4)
    assert content_hash(values.T) == content_hash(values.T.copy())


def test_plain_values_of_the_desk_are_accepted() -> None:
    parts = {"day": date(2022, 1, 3), "price": Decimal("1.50"), "where": Path("x"), "set": {2, 1}}
    assert content_hash(parts) == content_hash(dict(parts))


def test_something_unknown_is_refused() -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        content_hash(object())


def test_a_short_id_carries_its_prefix() -> None:
    assert short_id("AAPL", 1, prefix="ord").startswith("ord-")
    assert len(short_id("AAPL", 1, prefix="ord")) == 20


def test_a_file_has_the_sha256_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    # FIPS 180-4: the digest of the empty message.
    assert file_sha256(tmp_path / "empty").startswith("e3b0c44298fc1c14")
