"""Tests of `infra.control_policy`: what a risk manager edits binds, or is refused by name."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from basics.errors import InvalidInputError, MissingDataError
from basics.trading import Book
from infra.control_policy import control_policy_version, load_control_policy
from infra.isolation import PROJECT_ROOT
from oms.controls import ControlLimits

MANUAL = Book("fund", "portfolio", "manual", "account")


def policy(folder: Path, controls: str, restricted: str = "[symbols]\n") -> Path:
    (folder / "controls.toml").write_text(controls)
    (folder / "restricted.toml").write_text(restricted)
    return folder


def test_policy_that_ships_is_read() -> None:
    shipped = load_control_policy(PROJECT_ROOT / "policy")

    assert shipped.default == ControlLimits()
    assert shipped.limits(MANUAL).max_order_notional == 1_000_000


def test_strategy_changes_single_values_of_the_default(tmp_path: Path) -> None:
    folder = policy(
        tmp_path,
        "[default]\nmargin_rate = 0.3\nrepeat_window_seconds = 0.5\n"
        "[strategy.manual]\nmax_volume_share = 0.3\n",
        '[symbols]\nXYZ = "merger"\n',
    )

    read = load_control_policy(folder)

    assert read.limits(MANUAL).margin_rate == Decimal("0.3")
    assert read.limits(MANUAL).max_volume_share == Decimal("0.3")
    assert read.default.max_volume_share == ControlLimits().max_volume_share
    assert read.default.repeat_window == timedelta(seconds=0.5)
    assert read.restricted == {"XYZ": "merger"}


@pytest.mark.parametrize(
    ("controls", "message"),
    [
        ("[default]\nmargin_rat = 1\n", r"controls\.toml: default\.margin_rat: Extra inputs"),
        ("[default]\nmargin_rate = -1\n", r"controls\.toml: control limit margin_rate must be pos"),
        ("[default]\nmargin_rate = 'x'\n", r"default\.margin_rate"),
        ("[default\n", "is not valid TOML"),
        ("", "default: Field required"),
        ("[default]\nkinds = ['house']\n", r"default\.kinds"),
    ],
)
def test_malformed_policy_is_refused_by_name(tmp_path: Path, controls: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        load_control_policy(policy(tmp_path, controls))


def test_absent_policy_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="restore it or set QUANTDESK_POLICY_DIR"):
        load_control_policy(tmp_path)


def test_version_follows_the_files(tmp_path: Path) -> None:
    first = control_policy_version(policy(tmp_path, "[default]\nmargin_rate = 0.3\n"))
    again = control_policy_version(policy(tmp_path, "[default]\nmargin_rate = 0.3\n"))
    other = control_policy_version(policy(tmp_path, "[default]\nmargin_rate = 0.4\n"))

    assert first == again != other
