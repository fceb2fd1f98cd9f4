"""`python -m sda.cli` is `sda-engine`."""

from sda.cli.main import main

main()
