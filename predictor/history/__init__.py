"""How a row is written, and whether one can be."""
