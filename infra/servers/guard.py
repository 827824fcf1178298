"""Run one server until standard input closes; then stop it.

    python guard.py FOLDER SIGNAL COMMAND...

The pipe closes when the parent ends, killed or not, so no server outlives it. A parent that
closes the pipe with a word in it looks after FOLDER itself; one that ended without a word
leaves that to the guard (an empty FOLDER: there is none). Standard library only, so that it
starts in milliseconds.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading

STOP_SECONDS = 10
SIGNALLED = 128  # As shells tell it.


def main() -> int:
    """Guard the command and return its exit code, 128 and the signal where one ended it."""
    folder, stop_signal, *command = sys.argv[1:]
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # Ctrl-C reaches the group; the parent decides.
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)

    abandoned = threading.Event()

    def stop_with_parent() -> None:
        # Not through sys.stdin, whose lock a thread must not hold when the interpreter ends.
        if not os.read(sys.stdin.fileno(), 1):
            abandoned.set()
        server.send_signal(signal.Signals[stop_signal])
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()

    threading.Thread(target=stop_with_parent, daemon=True).start()
    code = server.wait()
    if abandoned.is_set() and folder:
        shutil.rmtree(folder, ignore_errors=True)
    return code if code >= 0 else SIGNALLED - code


if __name__ == "__main__":
    sys.exit(main())
