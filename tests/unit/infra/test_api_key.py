"""Tests of `infra.api_key`: closed by default, readable by its owner alone."""

from pathlib import Path

import pytest

from basics.errors import RefusedError
from infra.api_key import api_key, key_file
from infra.setting_groups import ApiSettings
from infra.settings import Settings


def test_a_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path)

    key = api_key(settings)

    assert len(key) >= 32
    assert api_key(settings) == key
    assert key_file(settings).stat().st_mode & 0o777 == 0o600


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path)
    api_key(settings)
    key_file(settings).chmod(0o644)

    with pytest.raises(RefusedError, match=r"others may read .* chmod 600"):
        api_key(settings)


def test_a_key_from_the_settings_makes_no_file(tmp_path: Path) -> None:
    api = ApiSettings(key="a-key-that-is-long-enough")  # type: ignore[arg-type]
    settings = Settings(state_dir=tmp_path, api=api)

    assert api_key(settings) == "a-key-that-is-long-enough"
    assert not key_file(settings).exists()


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path, api=ApiSettings(key="short"))  # type: ignore[arg-type]

    with pytest.raises(RefusedError, match="has 5 characters, fewer than 16"):
        api_key(settings)
