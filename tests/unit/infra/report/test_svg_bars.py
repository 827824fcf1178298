"""Tests of `infra.report.svg_bars`."""

from xml.etree import ElementTree

import pytest

from infra.report.svg_bars import svg_bars

SVG = "{http://www.w3.org/2000/svg}"


def bars_of(picture: str) -> list[dict[str, str]]:
    return [dict(bar.attrib) for bar in ElementTree.fromstring(picture).findall(f"{SVG}rect")][1:]


def test_bars_are_in_proportion_and_a_loss_goes_left() -> None:
    gain, loss = bars_of(svg_bars("P&L <today>", [("gain", 2.0, "+2"), ("loss", -1.0, "-1")]))
    assert float(gain["width"]) == pytest.approx(2 * float(loss["width"]), abs=0.2)
    assert float(loss["x"]) + float(loss["width"]) == pytest.approx(float(gain["x"]), abs=0.2)
    assert gain["fill"] != loss["fill"]


def test_a_long_label_has_room_and_no_row_is_still_a_picture() -> None:
    label = "a portfolio of some length: an interest-rate shock of two points"
    (bar,) = bars_of(svg_bars("t", [(label, 1.0, "1")]))
    assert float(bar["x"]) >= 7 * len(label)
    assert bars_of(svg_bars("t", [])) == []
    assert len(bars_of(svg_bars("t", [("zero", 0.0, "0")]))) == 1
