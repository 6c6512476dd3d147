"""Pictures to learn from: read, degraded as a console would, and cut into pairs of crops."""
