"""`python -m texpipe`."""

from texpipe.cli import main

main()
