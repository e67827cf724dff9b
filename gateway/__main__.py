"""`python -m gateway` is `gateway`."""

from gateway.cli.entry import main

main()
