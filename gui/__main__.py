"""`python -m gui`: the panel."""

from rtvc.cli import panel

panel()
