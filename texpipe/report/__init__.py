"""Reports, comparison sheets and clips of a finished pack."""
