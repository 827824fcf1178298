"""Every table of the desk, one module per topic, on the one `base.metadata`."""
