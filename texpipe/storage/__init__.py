"""Files written whole or not at all, results kept by key, the lock of an output folder."""
