"""`quantdesk db` as an operator types it, on both databases."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from click.testing import Result
from typer.testing import CliRunner

from infra.database.schema import revisions
from infra.servers.postgres import PostgresServer
from quantdesk.main import build_app

QUANTDESK = str(Path(sys.executable).parent / "quantdesk")


def quantdesk(variables: dict[str, str], *arguments: str) -> Result:
    """Run a command in this process, which spares the imports."""
    return CliRunner().invoke(build_app(), arguments, env=variables)


@pytest.fixture(params=["sqlite", "postgresql"])
def variables(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    variables = {"QUANTDESK_STATE_DIR": str(tmp_path)}
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("DROP DATABASE IF EXISTS commands")
            connection.execute("CREATE DATABASE commands")
        variables["QUANTDESK_DATABASE__URL"] = server.url_of("commands")
    return variables


def test_the_schema_goes_up_is_shown_and_goes_down(variables: dict[str, str]) -> None:
    up = quantdesk(variables, "db", "upgrade", "--json")
    assert json.loads(up.stdout)["after"] == revisions()[-1]
    assert "stands at" in quantdesk(variables, "db", "upgrade").stdout

    shown = json.loads(quantdesk(variables, "db", "show", "--json").stdout)
    assert shown["revision"] == shown["needed"] == revisions()[-1]

    unconfirmed = quantdesk(variables, "db", "downgrade", "base")
    assert unconfirmed.exit_code == 1
    down = quantdesk(variables, "db", "downgrade", "base", "--yes", "--json")
    assert json.loads(down.stdout)["after"] == "base"


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        ("mysql://u:sesame@h/d", 2, "not supported: write sqlite:////"),
        ("postgresql://u:sesame@127.0.0.1:1/d", 6, "is it running"),
    ],
)
def test_a_wrong_url_is_one_line_without_the_password(
    url: str, code: int, words: str, tmp_path: Path
) -> None:
    variables = {"QUANTDESK_STATE_DIR": str(tmp_path), "QUANTDESK_DATABASE__URL": url}

    done = subprocess.run(
        [QUANTDESK, "db", "upgrade"], capture_output=True, text=True, check=False,
        env=os.environ | variables,
    )  # fmt: skip

    assert done.returncode == code
    assert done.stderr.count("\n") == 1
    assert words in done.stderr
    assert "sesame" not in done.stderr
