"""Where the lake's bytes lie: a folder, or any object store that fsspec reaches.

Two promises carry the lake: an object appears whole or not at all, and `create` of a name that
exists fails, so that of two writers exactly one wins a place in the log.
"""

import contextlib
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

from basics.errors import InvalidInputError, MissingDataError, UnavailableError

STAGING = ".staging"
# Stores that polars reads by itself, with the credentials of the environment.
POLARS_SCHEMES = frozenset({"s3", "s3a", "gs", "gcs", "az", "azure", "abfs", "abfss"})


class Storage(Protocol):
    """Holds named objects that never change once they exist."""

    def read(self, key: str) -> bytes:
        """Return the object's bytes."""
        ...

    def create(self, key: str, data: bytes) -> None:
        """Store a new object; `FileExistsError` if the name is taken."""
        ...

    def names(self, prefix: str) -> list[str]:
        """Return the names of objects and folders directly below `prefix`, sorted."""
        ...

    def walk(self, prefix: str) -> list[tuple[str, float]]:
        """Return (key, time of writing as a POSIX stamp) of every object below `prefix`."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object; one that is gone already is fine."""
        ...

    def source(self, key: str) -> Any:  # noqa: ANN401 - a path for polars, or a buffer
        """Return what polars scans to read the object."""
        ...


@dataclass(frozen=True, slots=True)
class FolderStorage:
    """Objects as files below one folder."""

    root: Path

    def read(self, key: str) -> bytes:
        """Return the file's bytes."""
        return (self.root / key).read_bytes()

    def create(self, key: str, data: bytes) -> None:
        """Write beside, sync, then link into place: whole or not at all, and never over another."""
        target = self.root / key
        staging = self.root / STAGING / f"{uuid.uuid4().hex}"
        try:
            self._stage(target, staging, data)
            os.link(staging, target)
        except FileExistsError:
            raise
        except OSError as error:
            raise UnavailableError(f"cannot write {target}: {error}") from error
        finally:
            staging.unlink(missing_ok=True)

    def names(self, prefix: str) -> list[str]:
        """Return the entries of the folder; none if it does not exist."""
        try:
            return sorted(entry.name for entry in os.scandir(self.root / prefix))
        except FileNotFoundError:
            return []

    def walk(self, prefix: str) -> list[tuple[str, float]]:
        """Return every file below `prefix` with its modification time."""
        found = []
        for path in (self.root / prefix).rglob("*"):
            with contextlib.suppress(FileNotFoundError):
                if path.is_file():
                    found.append((path.relative_to(self.root).as_posix(), path.stat().st_mtime))
        return found

    def delete(self, key: str) -> None:
        """Remove the file."""
        (self.root / key).unlink(missing_ok=True)

    def source(self, key: str) -> Path:
        """Return the path."""
        return self.root / key

    def _stage(self, target: Path, staging: Path, data: bytes) -> None:
        """Write and sync the bytes beside; make the folders of both."""
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            staging.parent.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:  # Not the object: a file stands where a folder is needed.
            raise UnavailableError(f"cannot write {target}: {error}") from error
        with staging.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())


@dataclass(frozen=True, slots=True)
class ObjectStorage:
    """Objects in a store that fsspec reaches: s3://, gs://, az://, memory:// and more.

    The store must refuse to create an object that exists (S3 and its kin do, by conditional put).
    """

    filesystem: Any
    root: str
    scheme: str = ""

    def read(self, key: str) -> bytes:
        """Return the object's bytes."""
        with self._reached(key):
            return bytes(self.filesystem.cat_file(f"{self.root}/{key}"))

    def create(self, key: str, data: bytes) -> None:
        """Put the object under the condition that it does not exist."""
        try:
            with self._reached(key):
                self.filesystem.pipe_file(f"{self.root}/{key}", data, mode="create")
        except FileNotFoundError as error:
            raise MissingDataError(
                f"{self.root} is not there: {error}; make the bucket, or correct the lake's URL"
            ) from error

    def names(self, prefix: str) -> list[str]:
        """List the store below the prefix."""
        self.filesystem.invalidate_cache()
        try:
            with self._reached(prefix):
                listed = self.filesystem.ls(f"{self.root}/{prefix}".rstrip("/"), detail=False)
        except FileNotFoundError:
            return []
        return sorted(str(name).rstrip("/").rsplit("/", 1)[-1] for name in listed)

    def walk(self, prefix: str) -> list[tuple[str, float]]:
        """List the store below the prefix, with the times it gives."""
        self.filesystem.invalidate_cache()
        with self._reached(prefix):
            found = self.filesystem.find(f"{self.root}/{prefix}", detail=True)
        lead = len(self.filesystem._strip_protocol(self.root)) + 1
        return [(name[lead:], _stamp(info)) for name, info in found.items()]

    def delete(self, key: str) -> None:
        """Remove the object."""
        with contextlib.suppress(FileNotFoundError), self._reached(key):
            self.filesystem.rm_file(f"{self.root}/{key}")

    def source(self, key: str) -> str | BytesIO:
        """Return the URL where polars reads it by itself, ranges only; else the bytes."""
        if self.scheme in POLARS_SCHEMES:
            return f"{self.scheme}://{self.root}/{key}"
        return BytesIO(self.read(key))

    @contextlib.contextmanager
    def _reached(self, key: str) -> Iterator[None]:
        """Say what is the matter with the store; what is taken or absent goes through."""
        try:
            yield
        except (FileExistsError, FileNotFoundError):
            raise
        except PermissionError as error:
            raise InvalidInputError(
                f"the store refuses {self.root}/{key}: {error}; check the credentials"
            ) from error
        except Exception as error:  # Each store has errors of its own.
            raise UnavailableError(
                f"the store of {self.root}/{key} does not answer: {error}; try again, or check "
                "that it runs and where"
            ) from error


def open_storage(location: Path | str) -> Storage:
    """Return the storage at a folder or a URL.

    Raises
    ------
    InvalidInputError
        If no installed package speaks the URL's protocol.
    """
    if isinstance(location, Path) or "://" not in location:
        return FolderStorage(Path(location))
    import fsspec

    try:
        filesystem, root = fsspec.core.url_to_fs(location)
    except (ImportError, ValueError) as error:
        raise InvalidInputError(
            f"cannot open the lake at {location}: {error}; install the package that it names"
        ) from error
    return ObjectStorage(filesystem, root.rstrip("/"), location.split("://", 1)[0])


def _stamp(info: dict[str, Any]) -> float:
    """Return when an object was written; stores name it differently."""
    moment = info.get("LastModified") or info.get("created") or info.get("mtime") or 0.0
    return float(moment.timestamp() if hasattr(moment, "timestamp") else moment)
