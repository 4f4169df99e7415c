"""Model packs: what they declare, how their graphs run, where they come from."""
