"""The manifest of a pack: its schema, and the file."""
