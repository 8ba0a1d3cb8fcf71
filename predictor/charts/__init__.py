"""Charts without JavaScript: as inline SVG (svg.py) and as text (text.py)."""
