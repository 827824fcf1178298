"""Real servers from the wheels, as child processes: for tests, benchmarks and trials.

Loopback, free ports, a throw-away folder. A guard process stops the server and removes the
folder when the process that asked for it ends, however it ends.
"""
