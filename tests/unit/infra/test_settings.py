"""Tests of `infra.settings`: order of sources, refusals, masking."""

from pathlib import Path

import pytest

from basics.errors import InvalidInputError
from infra.settings import explain_settings, load_settings


@pytest.fixture(autouse=True)
def no_settings_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    file = tmp_path / "desk.toml"
    file.write_text("")
    monkeypatch.setenv("QUANTDESK_CONFIG", str(file))
    return file


def test_a_variable_outranks_the_file_and_the_file_its_default(
    no_settings_outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_settings_outside.write_text("threads = 3\n[cache]\nmax_entries = 10\n")
    monkeypatch.setenv("QUANTDESK_CACHE__MAX_ENTRIES", "20")

    settings = load_settings()

    assert (settings.threads, settings.cache.max_entries, settings.api.port) == (3, 20, 8310)


def test_each_value_tells_where_it_comes_from(
    no_settings_outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_settings_outside.write_text("threads = 3\n")
    monkeypatch.setenv("QUANTDESK_API__PORT", "9000")

    source = {name: where for name, _, where in explain_settings(load_settings())}

    assert source["threads"] == "file desk.toml"
    assert source["api.port"] == "environment QUANTDESK_API__PORT"
    assert source["seed"] == "default"


@pytest.mark.parametrize(
    "name", ["QUANTDESK_THREDS", "QUANTDESK_CACHE__TTL", "QUANTDESK_CACH__URL"]
)
def test_a_mistyped_variable_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(InvalidInputError, match=f"unknown setting {name}"):
        load_settings()


def test_a_mistyped_name_in_the_file_is_refused(no_settings_outside: Path) -> None:
    no_settings_outside.write_text("[cache]\nmax_entrys = 10\n")
    with pytest.raises(InvalidInputError, match=r"cache\.max_entrys"):
        load_settings()


def test_a_malformed_value_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANTDESK_API__PORT", "many")
    with pytest.raises(InvalidInputError, match=r"api\.port"):
        load_settings()


def test_an_address_off_the_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANTDESK_API__HOST", "0.0.0.0")
    with pytest.raises(InvalidInputError, match=r"api\.host"):
        load_settings()


def test_a_named_file_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANTDESK_CONFIG", "/nowhere/desk.toml")
    with pytest.raises(InvalidInputError, match="which is not a file"):
        load_settings()


def test_broken_toml_is_refused(no_settings_outside: Path) -> None:
    no_settings_outside.write_text("threads = \n")
    with pytest.raises(InvalidInputError, match="not valid TOML"):
        load_settings()


def test_a_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANTDESK_DATABASE__URL", "postgresql://desk:hunter2@127.0.0.1/desk")
    shown = {name: value for name, value, _ in explain_settings(load_settings())}
    assert "hunter2" not in shown["database.url"]
    assert shown["database.url"] != ""
