"""Sources of market data: adapters of `services.ports.BarSource`."""
