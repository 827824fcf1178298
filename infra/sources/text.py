"""Delimited text in batches of whole lines; a line that cannot be read is named, not guessed at."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import polars as pl

from basics.errors import InvalidInputError

CHUNK_BYTES = 32 * 2**20
DELIMITERS = (",", ";", "\t", "|")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LINE = "_line"


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A line that did not become a row. Line 0 stands for the file as a whole."""

    file: str
    line: int
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class TextBatch:
    """Rows as text, with the column `_line`, and the lines that were rejected."""

    rows: pl.DataFrame
    rejected: tuple[RejectedLine, ...]


def read_text(path: Path, *, chunk_bytes: int = CHUNK_BYTES) -> Iterator[TextBatch]:
    """Yield the file in batches, every value as text, empty values as null.

    The delimiter is the one of `,;tab|` that stands most often in the header. UTF-8 is read, and
    UTF-16 with a byte order mark; lines that are neither are rejected one by one.
    """
    with _opened(path) as file:
        header, number = _header(file, path)
        if header is None:
            yield TextBatch(pl.DataFrame(), (RejectedLine(path.name, 0, "the file is empty", ""),))
            return
        delimiter = max(DELIMITERS, key=header.count)
        columns = [name.strip().strip('"') for name in header.split(delimiter)]
        if len(set(columns)) != len(columns):
            twice = sorted({name for name in columns if columns.count(name) > 1})
            raise InvalidInputError(f"{path.name}: the column {', '.join(twice)} stands twice")
        seen = False
        for lines in _chunks(file, chunk_bytes):
            batch = _parse(lines, number + 1, columns, delimiter, path.name)
            number += len(lines)
            seen = seen or not batch.rows.is_empty()
            yield batch
        if not seen:
            empty = RejectedLine(path.name, 0, "the file has a header and no rows", header)
            yield TextBatch(pl.DataFrame(), (empty,))


def _opened(path: Path) -> BinaryIO:
    """Open the file's bytes, unpacked, as UTF-8."""
    file = gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # noqa: SIM115 - the caller closes it
    head = file.peek(4)[:4] if hasattr(file, "peek") else b""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        with file:
            return BytesIO(file.read().decode("utf-16").encode())
    return file  # type: ignore[return-value]  # gzip's file reads like any other


def _header(file: BinaryIO, path: Path) -> tuple[str | None, int]:
    """Return the first line that holds anything, and its number."""
    for number, raw in enumerate(file, start=1):
        line = raw.removeprefix(BYTE_ORDER_MARK).strip()
        if line:
            try:
                return line.decode(), number
            except UnicodeDecodeError:
                raise InvalidInputError(
                    f"{path.name}: the header is not UTF-8: save the file as UTF-8"
                ) from None
    return None, 0


def _chunks(file: BinaryIO, size: int) -> Iterator[list[bytes]]:
    """Yield lists of whole lines of about `size` bytes."""
    while lines := file.readlines(size):
        yield [line.rstrip(b"\r\n") for line in lines]


def _parse(
    lines: list[bytes], first: int, columns: list[str], delimiter: str, file: str
) -> TextBatch:
    """Split lines into values; a line with another number of values is rejected."""
    good: list[bytes] = []
    numbers: list[int] = []
    rejected: list[RejectedLine] = []
    mark, expected = delimiter.encode(), len(columns)
    for number, line in enumerate(lines, start=first):
        if not line.strip():
            continue
        if reason := _fault(line, mark, expected):
            text = line.decode(errors="backslashreplace")
            rejected.append(RejectedLine(file, number, reason, text))
        else:
            good.append(line)
            numbers.append(number)
    if not good:
        return TextBatch(pl.DataFrame(), tuple(rejected))
    rows = pl.read_csv(
        BytesIO(b"\n".join(good)),
        has_header=False,
        new_columns=columns,
        separator=delimiter,
        infer_schema=False,
        null_values=[""],
    )
    return TextBatch(rows.with_columns(pl.Series(LINE, numbers)), tuple(rejected))


def _fault(line: bytes, mark: bytes, expected: int) -> str | None:
    """Say what keeps a line from being split, or None."""
    if not line.isascii():
        try:
            line.decode()
        except UnicodeDecodeError:
            return "not UTF-8"
    if line.count(b'"') % 2:
        return "a quotation mark is not closed"
    # Delimiters inside quotation marks do not split: drop what stands at odd places.
    bare = b"".join(line.split(b'"')[::2]) if b'"' in line else line
    found = bare.count(mark) + 1
    return None if found == expected else f"{found} values where the header has {expected}"
