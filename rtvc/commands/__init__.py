"""The commands of `rtvc`, one module for each group."""
