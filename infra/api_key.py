"""The key of the API: given by a setting, else made once and kept where its owner alone reads."""

import os
import secrets
import stat
from pathlib import Path

from basics.errors import RefusedError
from infra.settings import Settings

KEY_FILE = "api-key"
KEY_BYTES = 32
MINIMUM_LENGTH = 16


def key_file(settings: Settings) -> Path:
    """Return where a key that was not given is kept."""
    return settings.state_dir / KEY_FILE


def api_key(settings: Settings) -> str:
    """Return the key, made at the first call unless a setting gives it.

    Raises
    ------
    RefusedError
        If the key is too short, or others than its owner may read the file.
    """
    if settings.api.key is not None:
        return _checked(settings.api.key.get_secret_value(), "api.key")
    path = key_file(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise RefusedError(
                f"others may read {path}: delete it for a new key, or chmod 600 it"
            ) from None
        return _checked(path.read_text().strip(), str(path))
    with os.fdopen(descriptor, "w") as file:
        key = secrets.token_urlsafe(KEY_BYTES)
        file.write(key)
    return key


def _checked(key: str, source: str) -> str:
    if len(key) < MINIMUM_LENGTH:
        raise RefusedError(
            f"the API key in {source} has {len(key)} characters, fewer than {MINIMUM_LENGTH}: "
            "take a longer one"
        )
    return key
