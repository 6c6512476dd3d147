"""From finished jobs to packs, manifest and run.json."""
