"""Model cards: how accurate and reliable a version is, as a page and as Markdown."""
