"""The widgets, one a file: each paints one thing and knows nothing of the engine."""
