"""Model cards: how far a version is to be trusted, as a page and as Markdown."""
