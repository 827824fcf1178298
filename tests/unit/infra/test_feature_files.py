"""Tests of a user's feature file: what it may define, and one line for each mistake."""

from pathlib import Path

import pytest

from basics.errors import InvalidInputError, MissingDataError
from infra.feature_files import load_feature_file, named_feature, named_set


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
        ("FEATURES = {'a': 3}\n", "a is 3, neither a formula nor"),
        ("from features import field, mean\nFEATURES = {'a': mean(field('close'), 0)}\n", "window"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        load_feature_file(_file(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=r"none\.py is not a file"):
        load_feature_file(tmp_path / "none.py")


def test_a_toml_file_holds_formulas_and_is_only_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        "complete_windows = true\n"
        "[features]\n"
        'stretch = "close / mean(close, 20)"\n'
        'moved = "abs(returns(close, 1))"\n',
        encoding="utf-8",
    )

    own = named_set(str(path))
    found, feature = named_feature(f"{path}:moved")

    assert (own.label, own.names, own.lookback) == ("mine@0", ("stretch", "moved"), 19)
    assert own.complete_windows
    assert (found, feature.formula) == (own, "abs(((close / delay(close, 1)) - 1.0))")


def test_a_python_file_may_hold_formulas_too(tmp_path: Path) -> None:
    path = _file(tmp_path, "FEATURES = {'stretch': 'close / mean(close, 20)'}\n")

    assert load_feature_file(path)["stretch"].formula == "(close / mean(close, 20))"


def test_a_meaning_stands_in_the_file_or_in_a_functions_docstring(tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        "from features import feature_function, field\n"
        "@feature_function(field('close'), lookback=0)\n"
        "def doubled(close):\n"
        '    """Twice the close.\n\n    More of it.\n    """\n'
        "    return 2 * close\n"
        "FEATURES = {'doubled': doubled, 'plain': 'close', 'other': doubled}\n"
        "MEANINGS = {'other': 'The same again.'}\n",
    )

    meanings = [feature.meaning for feature in load_feature_file(path).features]

    assert meanings == ["Twice the close.", "", "The same again."]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[features]\nx = 'close / mean(close'\n", "mine.toml: x: column 13: no formula"),
        ("[features]\nx = 5\n", "x is 5, neither a formula nor an expression"),
        ("[features]\n", "has no features"),
        ("features = [\n", "is not valid TOML"),
        ("[features]\nx = 'close'\n[meanings]\ny = 'Y.'\n", "speak of y, which is no feature"),
        ("[features]\nx = 'close'\n[meanings]\nx = 3\n", "meanings are sentences by name"),
        ("window = 3\n[features]\nx = 'close'\n", "only .meanings. and complete_windows"),
        ("complete_windows = 1\n[features]\nx = 'close'\n", "only .meanings. and complete_windows"),
    ],
)
def test_a_wrong_toml_file_is_refused_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInputError, match=says):
        load_feature_file(path)


def test_a_name_is_a_feature_a_formula_or_a_feature_of_a_file() -> None:
    assert named_feature("close_momentum.return_5")[1].name == "return_5"
    assert named_feature("close - open")[1].formula == "(close - open)"
    with pytest.raises(MissingDataError, match="no set has a feature 'nothing'"):
        named_feature("nothing")
    with pytest.raises(MissingDataError, match="is not a file"):
        named_feature("nowhere.toml:x")
