"""Watches a Python program for sockets that point outside of this machine.

Two watchers, because a library may connect from C: the interpreter's audit hook sees every
connection and name look-up made in Python; a look at the kernel's socket tables every few
milliseconds sees the rest while it lasts. Linux has the tables; elsewhere the hook stands alone.
"""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile

ROOT = Path(__file__).resolve().parents[2]

HOOK = """
import ipaddress, sys

def _local(host):
    if isinstance(host, bytes):
        host = host.decode()
    if host in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

def _watch(event, args):
    if event == "socket.getaddrinfo" and not _local(args[0]):
        print("OUTGOING look-up", args[0], file=sys.stderr, flush=True)
    elif event in ("socket.connect", "socket.sendto"):
        address = args[1]
        if isinstance(address, tuple) and not _local(address[0]):
            print("OUTGOING", event, address, file=sys.stderr, flush=True)

sys.addaudithook(_watch)
"""


def outgoing(code: str, *, environment: Mapping[str, str], timeout: float = 600) -> list[str]:
    """Run `code` in a fresh interpreter and return every outgoing connection it made."""
    seen: set[str] = set()
    with TemporaryFile(mode="w+", encoding="utf-8") as said:
        process = subprocess.Popen(
            [sys.executable, "-c", HOOK + code],
            cwd=ROOT,
            env=dict(environment),
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        try:
            deadline = time.monotonic() + timeout
            while process.poll() is None and time.monotonic() < deadline:
                seen |= _kernel_view(process.pid)
                time.sleep(0.01)
        finally:
            process.kill()
            process.wait()
        said.seek(0)
        lines = said.read()
    if process.returncode != 0:
        raise AssertionError(f"the program ended with {process.returncode}: {lines[-2000:]}")
    return sorted(seen | {line for line in lines.splitlines() if line.startswith("OUTGOING")})


def _kernel_view(pid: int) -> set[str]:
    """Return the remote ends of the process's sockets that lie outside of this machine."""
    try:
        inodes = {
            link.removeprefix("socket:[").removesuffix("]")
            for number in os.listdir(f"/proc/{pid}/fd")
            if (link := os.readlink(f"/proc/{pid}/fd/{number}")).startswith("socket:[")
        }
        tables = {name: _rows(pid, name) for name in ("tcp", "tcp6", "udp", "udp6") if inodes}
    except OSError:  # The process, or one of its files, went away while we looked.
        return set()
    return {
        f"OUTGOING {name} {remote}"
        for name, rows in tables.items()
        for remote, inode in rows
        if inode in inodes and not _at_home(remote.split(":")[0])
    }


def _rows(pid: int, table: str) -> list[tuple[str, str]]:
    """Return (remote address, inode) of each socket in one of the kernel's tables."""
    lines = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
    return [(fields[2], fields[9]) for fields in map(str.split, lines)]


def _at_home(address: str) -> bool:
    """Tell whether a hexadecimal address of the kernel's table is unset or loopback."""
    if set(address) == {"0"}:
        return True
    if len(address) == 8:
        return address.endswith("7F")  # 127.0.0.0/8, least significant byte first
    return address in {"00000000000000000000000001000000"} or (
        address.startswith("0000000000000000FFFF0000") and address.endswith("7F")
    )
