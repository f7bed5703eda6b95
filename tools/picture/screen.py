"""A terminal's screen, as far as this program's output uses one: colours and styles (SGR), carriage
return, backspace, cursor left/right/up, erasing a line. Gives rows of (character, style) cells."""
import re
from collections import namedtuple

Style = namedtuple("Style", "colour bold dim italic underline", defaults=(None, False, False, False,
                                                                          False))
PLAIN = Style()
ESCAPE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][0-9A-B]|\x1b.")
SWITCHES = {1: dict(bold=True), 2: dict(dim=True), 3: dict(italic=True), 4: dict(underline=True),
            22: dict(bold=False, dim=False), 23: dict(italic=False), 24: dict(underline=False),
            39: dict(colour=None)}


def styled(style, codes):
    numbers = [int(code or 0) for code in codes.split(";")]
    while numbers:
        number = numbers.pop(0)
        if number == 0:
            style = PLAIN
        elif number in SWITCHES:
            style = style._replace(**SWITCHES[number])
        elif 30 <= number <= 37:
            style = style._replace(colour=number - 30)
        elif 90 <= number <= 97:
            style = style._replace(colour=number - 82)
        elif number == 38 and numbers[:1] == [5]:
            style = style._replace(colour=numbers[1])
            del numbers[:2]
        elif number == 38 and numbers[:1] == [2]:
            style = style._replace(colour="#%02x%02x%02x" % tuple(numbers[1:4]))
            del numbers[:4]
    return style


class Screen:
    def __init__(self, columns):
        self.columns, self.rows, self.row, self.column, self.style = columns, [[]], 0, 0, PLAIN

    def put(self, character):
        if self.column >= self.columns:
            self.line_feed()
            self.column = 0
        row = self.rows[self.row]
        while len(row) <= self.column:
            row.append((" ", PLAIN))
        row[self.column] = (character, self.style)
        self.column += 1

    def line_feed(self):
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append([])

    def erase(self, mode):
        row = self.rows[self.row]
        if mode == 0:
            del row[self.column:]
        elif mode == 2:
            row.clear()

    def control(self, arguments, letter):
        count = int(arguments) if arguments.isdigit() else 0
        if letter == "m":
            self.style = styled(self.style, arguments)
        elif letter == "K":
            self.erase(count)
        elif letter == "A":
            self.row = max(0, self.row - max(1, count))
        elif letter == "C":
            self.column += max(1, count)
        elif letter == "D":
            self.column = max(0, self.column - max(1, count))
        elif letter == "G":
            self.column = max(0, count - 1)


def render(text, columns):
    screen, at = Screen(columns), 0
    while at < len(text):
        match = ESCAPE.match(text, at)
        if match:
            if match[2]:
                screen.control(match[1], match[2])
            at = match.end()
            continue
        character = text[at]
        at += 1
        if character == "\n":
            screen.line_feed()
        elif character == "\r":
            screen.column = 0
        elif character == "\b":
            screen.column = max(0, screen.column - 1)
        elif character == "\t":
            screen.column = (screen.column // 8 + 1) * 8
        elif character >= " ":
            screen.put(character)
    rows = screen.rows
    while rows and not any(c != " " for c, _ in rows[-1]):
        rows.pop()
    while rows and not any(c != " " for c, _ in rows[0]):
        rows.pop(0)
    return rows
