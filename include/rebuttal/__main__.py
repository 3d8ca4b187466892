"""`python -m rebuttal` is the `rebuttal` command."""

from rebuttal.cli import main

main()
