"""What no source brings: bars and sessions SIMULATED from a seed around real prices."""
