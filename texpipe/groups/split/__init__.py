"""Pictures that the console had to split: found, ordered and stitched."""
