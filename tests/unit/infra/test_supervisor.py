"""Tests of `infra.supervisor` with small programs in the place of companions."""

import http.client
import sys
import threading
import time
from pathlib import Path

import pytest

from basics.errors import UnavailableError
from infra.companions import Companion
from infra.servers.process import free_port, listens
from infra.settings import load_settings
from infra.supervisor import start_prefect_server, supervise

SERVER = (
    "import http.server as h; h.test(h.SimpleHTTPRequestHandler, port={port}, bind='127.0.0.1')"
)


def web(name: str, port: int) -> Companion:
    url = f"http://127.0.0.1:{port}"
    command = (sys.executable, "-c", SERVER.format(port=port))
    return Companion(name, command, {}, url, f"{url}/")


def program(name: str, text: str, *, health_url: str = "") -> Companion:
    return Companion(name, (sys.executable, "-c", text), {}, "", health_url)


def test_companions_come_up_in_order_and_go_when_stopped(tmp_path: Path) -> None:
    ports, stop, told = [free_port(), free_port()], threading.Event(), []
    companions = [web("First", ports[0]), web("Second", ports[1])]
    arguments = {"folder": tmp_path, "tell": told.append, "stop": stop}
    thread = threading.Thread(target=supervise, args=(companions,), kwargs=arguments)
    thread.start()
    deadline = time.monotonic() + 60
    while "all up" not in " ".join(told):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert [line.split()[0] for line in told[:2]] == ["First", "Second"]

    stop.set()
    thread.join()

    assert not any(listens(port) for port in ports)
    assert (tmp_path / "first.log").exists()


def test_a_companion_that_does_not_come_up_takes_the_others_along(tmp_path: Path) -> None:
    port = free_port()
    broken = program("Broken", "raise SystemExit('no luck')", health_url="http://127.0.0.1:1/")

    with pytest.raises(
        UnavailableError,
        match=r"Broken did not come up, ended by itself with code 1; .*no luck",
    ):
        supervise([web("First", port), broken], folder=tmp_path, tell=lambda _: None)

    with pytest.raises(OSError, match="refused"):
        http.client.HTTPConnection("127.0.0.1", port).connect()


def test_a_companion_that_ends_by_itself_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"Brief ended by itself with code 0: .*farewell"):
        supervise([program("Brief", "print('farewell')")], folder=tmp_path, tell=lambda _: None)


def test_a_companion_that_is_killed_is_told_by_its_signal_and_not_by_its_last_words(
    tmp_path: Path,
) -> None:
    text = "import os, signal; print('all is well', flush=True); os.kill(os.getpid(), {})"
    killed = program("Victim", text.format("signal.SIGKILL"))
    silent = program("Silent", "import os, signal; os.kill(os.getpid(), signal.SIGABRT)")

    with pytest.raises(UnavailableError) as told:
        supervise([killed], folder=tmp_path, tell=lambda _: None)
    with pytest.raises(UnavailableError, match=r"signal 6 \(SIGABRT\): .*its log is empty"):
        supervise([silent], folder=tmp_path, tell=lambda _: None)

    assert str(told.value) == (
        f"Victim was ended by signal 9 (SIGKILL): see {tmp_path}; "
        "last lines of its log: all is well"
    )


def test_work_goes_on_while_a_batch_waits_for_its_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, done = free_port(), []
    monkeypatch.setattr(
        "infra.supervisor.prefect_for_one_batch", lambda _, __: web("Prefect", port)
    )
    monkeypatch.setenv("PREFECT_API_URL", "")
    monkeypatch.setenv("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "WARNING")

    wait_until_up = start_prefect_server(load_settings(state_dir=tmp_path))
    wait_until_up(done.append(k) or k for k in range(3))

    assert listens(port)
    assert done in ([0], [0, 1], [0, 1, 2])


def test_a_server_that_is_named_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    monkeypatch.setenv("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "WARNING")
    done: list[int] = []

    start_prefect_server(load_settings(state_dir=tmp_path))(done.append(1) for _ in range(1))

    assert not done
