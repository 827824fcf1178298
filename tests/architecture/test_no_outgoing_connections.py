"""No dependency calls home when it is imported in the desk's environment."""

import os
import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from infra.isolation import isolated_environment
from tests.architecture.outgoing import ROOT, outgoing

# 192.0.2.0/24 is kept for documentation (RFC 5737); connecting a datagram socket sends nothing.
PYTHON_CALL = """
import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("192.0.2.1", 9))
"""
NATIVE_CALL = """
import ctypes, struct, time
libc = ctypes.CDLL(None)
made = libc.socket(2, 2, 0)
address = struct.pack("<H", 2) + struct.pack(">H", 9) + bytes([192, 0, 2, 1]) + bytes(8)
assert libc.connect(made, address, len(address)) == 0
time.sleep(0.5)
"""
LOOPBACK_CALL = """
import socket
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname())
socket.getaddrinfo("localhost", 80)
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    isolated = isolated_environment(tmp_path)
    (tmp_path / "tmp").mkdir()
    # Compiled kernels need not be built again for this.
    isolated["NUMBA_CACHE_DIR"] = str(ROOT / "var" / "cache" / "numba")
    return {**os.environ, **isolated}


def test_the_watcher_sees_a_call_from_python(environment: dict[str, str]) -> None:
    assert any("192.0.2.1" in line for line in outgoing(PYTHON_CALL, environment=environment))


def test_the_watcher_sees_a_call_from_native_code(environment: dict[str, str]) -> None:
    assert outgoing(NATIVE_CALL, environment=environment) == ["OUTGOING udp 010200C0:0009"]


def test_the_watcher_lets_loopback_pass(environment: dict[str, str]) -> None:
    assert outgoing(LOOPBACK_CALL, environment=environment) == []


def dependencies() -> list[str]:
    """Return the import name of everything that pyproject.toml asks for."""
    names: dict[str, list[str]] = {}
    for package, distributions in packages_distributions().items():
        for distribution in distributions:
            names.setdefault(canonical(distribution), []).append(package)
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    found = []
    for requirement in wanted:
        name = canonical(re.split(r"[\[<>=~!; ]", requirement)[0])
        plain = name.replace("-", "_")
        packages = names[name]
        found.append(plain if plain in packages else sorted(p for p in packages if p[0] != "_")[0])
    return found


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_no_dependency_calls_home_on_import(environment: dict[str, str]) -> None:
    packages = dependencies()
    assert len(packages) >= 30

    code = "\n".join([*(f"import {package}" for package in packages), "import time; time.sleep(1)"])

    assert outgoing(code, environment=environment) == []
