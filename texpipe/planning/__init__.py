"""From the plans of all textures to jobs: what must be computed, and under which keys it is kept."""
