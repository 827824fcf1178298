"""Files that are whole or not there: written beside their place, then renamed into it."""

import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> Path:
    """Write `content` to `path` in one step, and return `path`.

    A reader sees the old file or the new one, never half; a failed write leaves the old one.
    Folders on the way are made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return path
