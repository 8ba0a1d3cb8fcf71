"""Files of stones, priced by the command `score`."""
