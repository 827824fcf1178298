"""Tests of `infra.report.writer`: one file, no network, the same bytes."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from basics.errors import InvalidInputError
from infra.report import cells, write_report
from infra.report.day import day_page
from infra.report.page import Section, Table
from infra.report.writer import render_page
from services.report import DayReport, Finding, Tone


class Links(HTMLParser):
    """Collects whatever a browser would fetch, and the text between the tags."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        for name, value in attrs:
            if name in {"src", "href", "srcset", "poster", "action", "data"} and value:
                self.addresses.append(value)
            if name == "id" and value:
                self.ids.append(value)


@pytest.fixture(scope="module")
def html(day_report: DayReport) -> str:
    return render_page(day_page(day_report))


def test_the_page_fetches_nothing(html: str) -> None:
    links = Links()
    links.feed(html)

    assert links.addresses
    assert all(address == "data:," or address.startswith("#") for address in links.addresses)
    assert "default-src 'none'" in html


def test_every_link_of_the_section_list_leads_somewhere(html: str) -> None:
    links = Links()
    links.feed(html)

    targets = {address[1:] for address in links.addresses if address.startswith("#")}
    assert targets <= set(links.ids)


@pytest.mark.parametrize(("shown", "folds"), [(0, False), (2, True), (3, False), (4, False)])
def test_a_table_folds_only_if_it_has_more_rows_than_it_shows(
    day_report: DayReport, shown: int, *, folds: bool
) -> None:
    table = Table(
        title="Long", columns=cells.columns("row"), rows=[[cells.text(str(i))] for i in range(3)],
        shown=shown,
    )  # fmt: skip
    section = Section(name="long", title="Long", blocks=[table])
    page = render_page(replace(day_page(day_report), sections=[section]))

    assert ('data-shown="2"' in page) is folds
    # Every row stands in the page: a reader without scripts, and paper, see the whole table.
    assert all(f">{i}</td>" in page for i in range(3))


def test_plotly_stands_inside_once(html: str) -> None:
    assert html.count("* plotly.js v") == 1


def test_the_same_report_gives_the_same_bytes(day_report: DayReport, html: str) -> None:
    assert render_page(day_page(day_report)) == html


def test_a_name_that_looks_like_markup_stays_text(day_report: DayReport) -> None:
    evil = "</script><script>alert(1)</script>"
    report = replace(
        day_report,
        portfolio=evil,
        findings=(Finding(tone=Tone.PLAIN, text=evil),),
        risk=replace(
            day_report.risk,
            exposure=replace(day_report.risk.exposure, sector_weights={evil: 0.1}),
        ),
    )

    page = render_page(day_page(report))

    assert evil not in page
    assert "&lt;script&gt;alert(1)" in page


def test_the_chart_data_reads_back_as_json(html: str) -> None:
    (text,) = re.findall('<script type="application/json" id="page-data">(.*?)</script>', html)

    data = json.loads(text)

    assert {chart["name"] for chart in data["charts"]} >= {"equity", "months", "stress"}


def test_what_was_not_measured_leaves_a_gap(day_report: DayReport) -> None:
    gap = (float("nan"), *day_report.performance.equity[1:])
    report = replace(day_report, performance=replace(day_report.performance, equity=gap))

    assert '"y":[null,' in render_page(day_page(report))


def test_a_number_that_is_not_finite_is_refused_where_it_cannot_be_a_gap(
    day_report: DayReport,
) -> None:
    with pytest.raises(InvalidInputError, match="write None for what was not measured"):
        render_page(day_page(broken(day_report)))


def broken(report: DayReport) -> DayReport:
    month = replace(report.performance.months[0], value=float("inf"))
    return replace(report, performance=replace(report.performance, months=(month,)))


def test_the_file_appears_whole_and_replaces_the_old_one(
    day_report: DayReport, tmp_path: Path
) -> None:
    path = tmp_path / "made" / "on demand" / "report.html"

    write_report(day_report, path)
    write_report(day_report, path)

    assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert [child.name for child in path.parent.iterdir()] == ["report.html"]


def test_a_failed_write_leaves_the_old_page_and_no_rubbish(
    day_report: DayReport, tmp_path: Path
) -> None:
    path = write_report(day_report, tmp_path / "report.html")
    before = path.read_bytes()

    with pytest.raises(InvalidInputError):
        write_report(broken(day_report), path)

    assert path.read_bytes() == before
    assert [child.name for child in tmp_path.iterdir()] == ["report.html"]
