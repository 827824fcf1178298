"""Tests of what the desk shows itself with to an MLflow server, and that it is never shown."""

import base64
import http.server
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from basics.clock import ManualClock
from basics.errors import InvalidInputError, MissingDataError, UnavailableError
from infra.mlflow_access import Access, access_of
from infra.remote_registry import RemoteRegistry
from infra.setting_groups import MlflowSettings

CLOCK = ManualClock(datetime(2022, 12, 28, tzinfo=UTC))


class _Guarded(http.server.BaseHTTPRequestHandler):
    """Answers only those who show the secret."""

    def do_GET(self) -> None:
        wanted = "Basic " + base64.b64encode(b"ann:s3cret").decode()
        known = self.headers.get("Authorization") == wanted
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Keep the test quiet."""


@pytest.fixture
def guarded() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Guarded)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def _registry(url: str, folder: Path, settings: MlflowSettings) -> RemoteRegistry:
    return RemoteRegistry(url, folder, clock=CLOCK, timeout_seconds=5.0, access=access_of(settings))


def test_the_server_is_shown_user_and_password(guarded: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("s3cret\n")
    by_setting = MlflowSettings(user="ann", password="s3cret")  # type: ignore[arg-type]
    by_file = MlflowSettings(user="ann", secret_file=file)

    for settings in (by_setting, by_file):
        assert _registry(guarded, tmp_path, settings).names() == []


def test_a_user_that_the_server_refuses_is_told_and_the_secret_is_not(
    guarded: str, tmp_path: Path
) -> None:
    settings = MlflowSettings(user="ann", password="wr0ng")  # type: ignore[arg-type]

    with pytest.raises(UnavailableError, match="refuses this user") as e:
        _registry(guarded, tmp_path, settings).versions("price")

    assert "wr0ng" not in str(e.value)
    assert "wr0ng" not in repr(access_of(settings)) + repr(settings)


def test_a_token_goes_as_a_bearer() -> None:
    settings = MlflowSettings(token="t0ken")  # type: ignore[arg-type]

    assert access_of(settings).header == {"Authorization": "Bearer t0ken"}
    assert access_of(MlflowSettings()) == Access()
    assert Access().header == {}


def test_settings_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    given = [
        ({"user": "ann"}, "mlflow.user 'ann' has no password"),
        ({"password": "p"}, "mlflow.password has no user"),
        ({"user": "ann", "token": "t"}, "mlflow.token goes without mlflow.user"),
        ({"user": "a", "password": "p", "token": "t"}, "both give the secret"),
    ]
    for values, says in given:
        with pytest.raises(InvalidInputError, match=says):
            access_of(MlflowSettings.model_validate(values))
    with pytest.raises(MissingDataError, match=r"secret_file .* cannot be read"):
        access_of(MlflowSettings(user="ann", secret_file=tmp_path / "none"))
