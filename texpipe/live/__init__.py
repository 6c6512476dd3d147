"""Brings packs to the emulators of this computer."""
