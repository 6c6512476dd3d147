"""The computer: memory, limits, the scheduler's environment, other processes."""
