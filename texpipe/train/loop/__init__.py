"""The training loop: prepare, step, validate, save; resume after an interruption."""
