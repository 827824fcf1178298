"""Tests of formulas as text: the same expression as Python builds, or a marked refusal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basics.errors import InvalidInputError
from features.expressions import Expression, field
from features.formulas import OPERATORS, parse_formula
from features.operators import beta, ema, log, maximum, mean, quantile, returns
from features.sets import feature_set, feature_set_names

CLOSE, VOLUME = field("close"), field("volume")
INDEX = field("series.indices.SPX.close")


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("close / mean(close, 20)", CLOSE / mean(CLOSE, 20)),
        ("close/mean(close,window=20)", CLOSE / mean(CLOSE, 20)),
        ("  close -\n 2 * 3 ", CLOSE - 6.0),
        ("-close + abs(volume)", -CLOSE + abs(VOLUME)),
        ("1 - (volume > 0)", 1.0 - (VOLUME > 0.0)),
        ("maximum(close, 0)", maximum(CLOSE, 0.0)),
        ("quantile(close, 10, 0.25)", quantile(CLOSE, 10, 0.25)),
        ("ema(close, 12, left_out=14)", ema(CLOSE, 12, left_out=14)),
        ("log(field('close'))", log(CLOSE)),
        (
            "beta(returns(close, 1), returns(series.indices.SPX.close, 1), 60)",
            beta(returns(CLOSE, 1), returns(INDEX, 1), 60),
        ),
        ("close * exchange.XNYS.half_day", CLOSE * field("exchange.XNYS.half_day")),
    ],
)
def test_a_formula_is_the_expression_that_python_builds(text: str, expression: Expression) -> None:
    assert parse_formula(text) == expression


def test_every_formula_of_the_catalogue_reads_back_as_itself() -> None:
    for name in feature_set_names():
        for feature in feature_set(name).features:
            assert parse_formula(feature.formula) == feature.expression, feature.name


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("close / mean(close 20)", 14, "no formula: invalid syntax"),
        ("close /", 8, "no formula"),
        ("close ** 2", 7, r"only \+ - \* / join"),
        ("close < 2 < 3", 7, "only one < or >"),
        ("close + foo(close, 2)", 9, "no operator foo: there are abs, beta,"),
        ("close + mean", 9, r"write mean\(\.\.\.\)"),
        ("close + close.upper", 9, "no field close.upper"),
        ("close + mean(close)", 9, r"mean\(x, window\): missing a required argument"),
        ("mean(close, 0)", 1, "a window lies between 1 and 5000"),
        ("mean(close, 2.5)", 1, "a window is a whole number"),
        ("mean(close, volume)", 1, "window is volume, give a number"),
        ("mean(5, 5)", 1, "x is 5, name a field"),
        ("close / (1 - 1)", 1, "divided by zero"),
        ("close + 1 / 0", 13, "a division by zero"),
        ("close + 1e999", 9, "not finite"),
        ("close + 'x'", 9, "'x' is no number"),
        ("close + True", 9, "True is no number"),
        ("not close", 1, r"only \+ and - may stand"),
        ("1 + 1", 1, "a number alone is no feature"),
        ("2 < 1", 1, "two numbers are compared"),
        ("abs(5)", 1, "abs of numbers alone"),
        ("ema(close, 5, 0, 1)", 1, "too many positional"),
        ("mean(*close)", 6, "only fields, numbers"),
        ("mean(**close)", 8, r"\*\* may not stand"),
        ("field(close)", 1, "a field is named by one text"),
        ("clöse + [1]", 9, "only fields, numbers"),
        ("", 1, "no formula"),
    ],
)
def test_what_is_no_formula_is_marked_at_its_place(text: str, column: int, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason) as refused:
        parse_formula(text)
    first, *_, mark = str(refused.value).split("\n")
    assert first.startswith(f"column {column}: ")
    assert mark == " " * (column + 1) + "^"


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "close.__class__.__mro__",
        "(lambda: close)()",
        "[close for close in (1, 2)]",
        "close if open else high",
        "(x := close)",
        "mean.__globals__",
        "f'{close}'",
        "await close",
        "10 ** 10 ** 10 * close",
    ],
)
def test_nothing_but_arithmetic_is_let_through(text: str) -> None:
    with pytest.raises(InvalidInputError):
        parse_formula(text)


def test_a_formula_has_an_end() -> None:
    for text in ("9" * 5_000, "-" * 3_900 + "close", "(" * 1_900 + "close" + ")" * 1_900,
                 "f" + "(1)" * 1_300, "a" + ".b" * 1_900, "close" + "+close" * 600):  # fmt: skip
        with pytest.raises(InvalidInputError):
            parse_formula(text)


WORDS = [
    *sorted(OPERATORS),
    "close",
    "volume",
    "1",
    "20",
    "(",
    ")",
    ",",
    "+",
    "/",
    "<",
    ".",
    " ",
    "'",
]


@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(WORDS)).map("".join)))
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    try:
        found = parse_formula(text)
    except InvalidInputError:
        return
    assert parse_formula(str(found)) == found
