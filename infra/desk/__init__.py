"""The services of a desk, wired by topic: each module adds to the one before it."""
