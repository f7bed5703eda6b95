"""Rows of styled cells as an SVG that looks like a terminal window. Text stays text, in the reader's
own monospaced font; each run is stretched to its columns, so any such font lines up."""
from xml.sax.saxutils import escape

WIDTH, HEIGHT, MARGIN, BAR = 8.4, 20, 18, 34  # of a cell; around the text; of the title bar
BACKGROUND, FOREGROUND, DIM = "#16181d", "#d8dee9", "#7f8797"
COLOURS = ["#4c566a", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d8dee9",
           "#6b7385", "#ff8087", "#b5e08f", "#ffd995", "#7cc4ff", "#e09af2", "#76d7e4", "#ffffff"]
LEVELS = (0, 95, 135, 175, 215, 255)  # of the 6x6x6 cube, as xterm defines it


def colour(style):
    value = style.colour
    if value is None:
        return DIM if style.dim else FOREGROUND
    if isinstance(value, str):
        return value
    if value < 16:
        return COLOURS[value]
    if value < 232:
        value -= 16
        return "#%02x%02x%02x" % (LEVELS[value // 36], LEVELS[value // 6 % 6], LEVELS[value % 6])
    return "#" + "%02x" % (8 + 10 * (value - 232)) * 3


def runs(row):
    """(column, text, style) of neighbours that look the same, blanks at the ends removed."""
    start = 0
    for column in range(1, len(row) + 1):
        if column == len(row) or row[column][1] != row[start][1]:
            text = "".join(c for c, _ in row[start:column])
            indent = len(text) - len(text.lstrip())
            if text.strip():
                yield start + indent, text.strip(), row[start][1]
            start = column


def span(column, y, text, style):
    marks = [f'fill="{colour(style)}"']
    if style.bold:
        marks.append('font-weight="bold"')
    if style.italic:
        marks.append('font-style="italic"')
    if style.underline:
        marks.append('text-decoration="underline"')
    if style.dim and style.colour is not None:
        marks.append('opacity="0.65"')
    return (f'<text x="{MARGIN + column * WIDTH:.1f}" y="{y:.1f}" xml:space="preserve" '
            f'textLength="{len(text) * WIDTH:.1f}" lengthAdjust="spacingAndGlyphs" '
            f'{" ".join(marks)}>{escape(text)}</text>')


def draw(rows, columns, title):
    width, height = columns * WIDTH + 2 * MARGIN, len(rows) * HEIGHT + BAR + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" font-size="14" '
        'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, \'DejaVu Sans Mono\', monospace">',
        f"<title>{escape(title)}</title>",
        f'<rect width="100%" height="100%" rx="10" fill="{BACKGROUND}"/>',
    ]
    for i, dot in enumerate(("#ff5f57", "#febc2e", "#28c840")):
        parts.append(f'<circle cx="{MARGIN + 6 + 20 * i}" cy="{BAR / 2 + 2:.0f}" r="6" fill="{dot}"/>')
    parts.append(f'<text x="50%" y="{BAR / 2 + 7:.0f}" text-anchor="middle" fill="{DIM}">'
                 f"{escape(title)}</text>")
    for number, row in enumerate(rows):
        y = BAR + MARGIN + (number + 0.72) * HEIGHT
        parts += [span(column, y, text, style) for column, text, style in runs(row)]
    return "\n".join(parts) + "\n</svg>\n"
