"""Every texture of a dump, read and classified once."""
