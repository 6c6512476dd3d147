"""A program for the N64 made in plain Python, and the emulator that plays it: the far end of a texture pack."""
