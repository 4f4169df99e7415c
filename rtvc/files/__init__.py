"""Audio files: reading, writing and converting them."""
