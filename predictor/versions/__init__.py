"""Model versions: the active forests, and their files."""
