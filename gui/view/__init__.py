"""What the panel shows, computed from snapshots, settings and devices; no widgets."""
