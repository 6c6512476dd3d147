"""Who computes the jobs of a run, and how."""
