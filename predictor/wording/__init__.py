"""What people read, in their language: labels, figures, sentences."""
