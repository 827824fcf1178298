"""Words everyone shares: errors, clock, arrays, instruments, trading records, money, names."""
