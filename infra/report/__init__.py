"""Pages that a person reads: one self-contained HTML file each, drawn from typed documents."""

from infra.report.morning import write_morning_report
from infra.report.tear_sheet import write_tear_sheet
from infra.report.writer import write_page, write_report

__all__ = ["write_morning_report", "write_page", "write_report", "write_tear_sheet"]
