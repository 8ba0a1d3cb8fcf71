"""Whether the stones asked for, and how far prices are off, still are what the models know."""
