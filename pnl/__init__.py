"""Fills in, explained profit out; parts plus residual equal the total, to the cent."""
