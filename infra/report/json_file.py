"""A document as JSON that is the same bytes for the same content."""

from pathlib import Path

import msgspec

from infra.files import write_whole


def write_json(document: object, path: Path) -> Path:
    """Write `document` (dataclasses and plain values) to `path` in one step, keys sorted.

    Dates become ISO text, Decimals keep their digits, numbers their shortest exact form.
    """
    text = msgspec.json.format(
        msgspec.json.encode(document, order="deterministic", enc_hook=_plain), indent=1
    )
    return write_whole(path, text)


def _plain(value: object) -> object:
    """Unwrap numpy's scalars."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a report cannot hold a {type(value).__name__}")
