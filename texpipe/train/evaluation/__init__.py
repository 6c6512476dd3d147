"""How good a network is: metrics, baselines, validation, and models side by side."""
