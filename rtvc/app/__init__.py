"""What the command line and the panel share."""
