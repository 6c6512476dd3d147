"""What is done with packs that are there already, whoever made them: coverage, differences, updates, layers, ports."""
