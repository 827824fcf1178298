"""Settings, bootstrap and adapters: nothing here decides."""
