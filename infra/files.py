"""Files that are whole or not there, and the lock file that lets one process in at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def one_at_a_time(lock: Path) -> Iterator[None]:
    """Hold the lock file `lock`, waiting for whoever holds it; a process's death lets it go."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
