"""User-visible text in the reader's language: labels, figures, sentences."""
