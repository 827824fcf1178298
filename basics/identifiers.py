"""Identifiers that follow from content: the same input gives the same name, on any machine."""

import hashlib
from decimal import Decimal
from pathlib import Path

import numpy as np
import orjson


def content_hash(*parts: object) -> str:
    """Return the sha256 of `parts` in a canonical form, as 64 hex digits.

    Mappings hash by sorted key; dataclasses, dates, Decimals, enums, numpy arrays and
    bytes are accepted next to JSON's own types.
    """
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, bytes):
            digest.update(b"b" + len(part).to_bytes(8, "little") + part)
        elif isinstance(part, np.ndarray):
            head = orjson.dumps([part.dtype.str, list(part.shape)])
            digest.update(b"a" + head + np.ascontiguousarray(part).tobytes())
        else:
            text = orjson.dumps(part, default=_plain, option=orjson.OPT_SORT_KEYS)
            digest.update(b"j" + len(text).to_bytes(8, "little") + text)
    return digest.hexdigest()


def short_id(*parts: object, prefix: str) -> str:
    """Return `prefix` and 16 hex digits of the content hash of `parts`."""
    return f"{prefix}-{content_hash(*parts)[:16]}"


def file_sha256(path: Path) -> str:
    """Return the sha256 of the file's bytes, as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _plain(value: object) -> object:
    """Turn into JSON what orjson does not know (it knows dataclasses, dates and enums)."""
    if isinstance(value, Decimal | Path):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return [value.dtype.str, list(value.shape), value.tobytes().hex()]
    raise TypeError(f"cannot hash a {type(value).__name__}")
