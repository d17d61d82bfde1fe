"""Rules that count inputs about which constraints decide, and list those that are wrong."""
