"""DVC's own name of the data that a version was trained on, read from its files without DVC.

`dvc.lock` names what the stage `data` left, the document that says which content the lake holds;
a `*.dvc` file in the checkout's root (`dvc add --file`) names a dataset's folder. A name is told
where what DVC recorded is what stands: a lake that has moved on since has none.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml


def dvc_tags(root: Path, lake: Path, dataset_of: Mapping[str, str], version: str) -> dict[str, str]:
    """Return what DVC calls the data of this content, as tags of a run; none where it is untracked.

    Parameters
    ----------
    dataset_of : mapping of str to str
        Dataset of the lake by its content hash.
    version : str
        The content hash that was trained on.
    """
    for path, out in _outs(root):
        place = root / path
        if place == lake / dataset_of.get(version, "") and version in dataset_of:
            if _same_size(place, out):
                return {"dvc.data": str(out["md5"]), "dvc.path": path}
        elif place.suffix == ".json" and _says(place, out, version):
            return {"dvc.data": str(out["md5"]), "dvc.path": path}
    return {}


def _outs(root: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield what DVC tracks: path from the root, and what it recorded of it."""
    for file in [root / "dvc.lock", *sorted(root.glob("*.dvc"))]:
        try:
            document = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
            stages = document.get("stages", {"": document}).values()
            outs = [out for stage in stages for out in stage.get("outs", ())]
            yield from [(str(out["path"]), out) for out in outs if "md5" in out]
        except (OSError, yaml.YAMLError, AttributeError, TypeError, KeyError):
            continue  # A checkout without DVC, or a file that is not DVC's.


def _says(place: Path, out: Mapping[str, Any], version: str) -> bool:
    """Tell whether a document is as DVC recorded it, and names this content."""
    try:
        content = place.read_bytes()
        told = json.loads(content)
    except (OSError, ValueError):
        return False
    same = hashlib.md5(content, usedforsecurity=False).hexdigest() == out["md5"]
    return same and isinstance(told, dict) and told.get("version") == version


def _same_size(place: Path, out: Mapping[str, Any]) -> bool:
    """Tell whether a tracked folder still holds as many files and bytes as DVC recorded."""
    files = [p for p in place.rglob("*") if p.is_file()] if place.is_dir() else [place]
    try:
        size = sum(path.stat().st_size for path in files)
    except OSError:
        return False
    return size == out.get("size") and len(files) == out.get("nfiles", 1)
