"""The list of rejected rows as a CSV file: file, line, reason and the text itself."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from basics.identifiers import content_hash
from services.ports import Rejection


@dataclass(frozen=True, slots=True)
class RejectionFile:
    """Writes one file for each import, named by its content."""

    folder: Path

    def write(self, dataset: str, rejections: Sequence[Rejection]) -> str | None:
        """Write the list whole or not at all; return its path, or None without rejections."""
        if not rejections:
            return None
        table = StringIO()
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(("file", "line", "reason", "text"))
        writer.writerows((r.file, r.line, r.reason, r.text) for r in rejections)
        text = table.getvalue()
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{dataset}-{content_hash(text.encode())[:12]}.csv"
        beside = path.with_suffix(".part")
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
        return str(path)
