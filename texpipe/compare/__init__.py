"""Several models on a part of a dump, side by side: made, measured, and shown with the rules that take each."""
