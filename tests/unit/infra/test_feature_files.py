"""Tests of a user's feature file: what it may define, and one line for each mistake."""

from pathlib import Path

import pytest

from basics.errors import InvalidInputError, MissingDataError
from infra.feature_files import load_feature_file


def _file(folder: Path, text: str) -> Path:
    path = folder / "mine.py"
    path.write_text(text, encoding="utf-8")
    return path


def test_expressions_and_functions_become_a_set_named_after_the_file(tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        "from features import feature_function, field, mean\n"
        "close = field('close')\n"
        "@feature_function(close, lookback=3)\n"
        "def doubled(close):\n"
        "    return 2 * close\n"
        "FEATURES = {'stretch': close / mean(close, 20), 'doubled': doubled}\n",
    )

    own = load_feature_file(path)

    assert (own.label, own.names, own.lookback) == ("mine@0", ("stretch", "doubled"), 19)


def test_an_edited_function_changes_the_content_hash(tmp_path: Path) -> None:
    text = (
        "from features import feature_function, field\n"
        "@feature_function(field('close'), lookback=0)\n"
        "def scaled(close):\n"
        "    return FACTOR * close\n"
        "FEATURES = {'scaled': scaled}\n"
    )
    hashes = set()
    for factor in "23":
        folder = tmp_path / factor
        folder.mkdir()
        hashes.add(load_feature_file(_file(folder, text.replace("FACTOR", factor))).content_hash)

    assert len(hashes) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("FEATURES = ", r"mine.py:1 does not run: SyntaxError"),
        ("x = 1\ny = 1 / 0\n", r"mine.py:2 does not run: ZeroDivisionError"),
        ("x = 1\n", "defines no FEATURES"),
        ("FEATURES = {}\n", "defines no FEATURES"),
        ("FEATURES = {'a': 3}\n", "a is 3, not an expression"),
        ("from features import field, mean\nFEATURES = {'a': mean(field('close'), 0)}\n", "window"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        load_feature_file(_file(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=r"none\.py is not a file"):
        load_feature_file(tmp_path / "none.py")
