"""A document as JSON that is the same bytes for the same content."""

import os
from pathlib import Path

import msgspec


def write_json(document: object, path: Path) -> Path:
    """Write `document` (dataclasses and plain values) to `path` in one step, keys sorted.

    Dates become ISO text, Decimals keep their digits, numbers their shortest exact form.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    text = msgspec.json.format(
        msgspec.json.encode(document, order="deterministic", enc_hook=_plain), indent=1
    )
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(text)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return path


def _plain(value: object) -> object:
    """Unwrap numpy's scalars."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a report cannot hold a {type(value).__name__}")
