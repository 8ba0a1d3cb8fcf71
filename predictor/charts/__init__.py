"""Charts without a script: as inline SVG (svg.py) and as text (text.py)."""
