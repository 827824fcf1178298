"""Pages that a person reads: one self-contained HTML file each, drawn from typed documents."""

from infra.report.writer import write_page, write_report

__all__ = ["write_page", "write_report"]
