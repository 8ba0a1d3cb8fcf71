"""Charts as text, for the terminal: the same figures as in svg.py, with the same arguments."""

from .svg import shade

SHADES = " .:+*#@"
BAR = 40


def density_text(stored):
    """Predicted against actual price, two steps of actual price a line."""
    bins = stored["bins"]
    lines = [[0] * bins for _ in range(bins // 2)]
    for across, up, count in stored["cells"]:
        lines[up // 2][across] += count
    lines = [
        "".join(SHADES[shade(count) + 1] if count else " " for count in line).rstrip()
        for line in reversed(lines)
    ]
    return "\n".join(f"| {line}".rstrip() for line in lines) + "\n+" + "-" * (bins + 1)


def bars_text(rows, most=None):
    """(label, value, its figure) as bars of text, aligned."""
    most = most or max(1e-9, *(value for _, value, _ in rows))
    widest = max(len(label) for label, *_ in rows)
    return "\n".join(
        f"{label:<{widest}}  {'█' * max(round(BAR * value / most), 0):<{BAR}}  {figure}"
        for label, value, figure in rows
    )
