"""The workshop: a local server around a recipe, whose page shows every texture and writes what is decided there."""
