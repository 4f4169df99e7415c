"""`python -m gui`: the panel."""

from gui.application import main

main()
