"""Pictures that the console had to split: found, joined before the network and cut again after it."""
