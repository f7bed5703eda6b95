"""The staircase of docs/optimizations.md: what each idea gains, as a table and a picture. Made by
./dev bench staircase from gptoss bench --config all --json.

    staircase.py DOCUMENT PAGE NAME [PICTURE]

Replaces what stands between <!-- staircase NAME --> and <!-- end NAME --> in the page.
"""
import json
import math
import pathlib
import statistics
import sys

WIDTH, LEFT, RIGHT, ROW, BAR, TOP = 760, 130, 90, 44, 15, 54
COLOURS = {"prompt": "#3b82c4", "generation": "#d98324"}


def steps(document):
    """One dict per config: its figures, and how many times better than the first one's they are."""
    found, first = [], None
    for report in document["configs"]:
        prompt, generation = (test["median_tokens_per_s"] for test in report["tests"])
        step = {"config": report["model"]["config"], "load": report["load_s"], "weights": report["weights_s"],
                "prompt": prompt, "generation": generation, "attention": report["model"]["attention_bytes"],
                "planned": report["model"]["planned_bytes"], "threads": report["machine"]["threads"]}
        first = first or step
        step["better"] = {key: first[key] / step[key] if step[key] else None for key in ("load", "weights", "attention")}
        step["better"] |= {key: step[key] / first[key] for key in ("prompt", "generation")}
        found.append(step)
    return found


def short(number):
    return f"{number:.1f}" if number < 20 else f"{number:.0f}"


def times(better):
    return "" if better is None or better > 1e4 else f" ({short(better)}x)"


def rate(tokens):
    return f"{tokens:,.{0 if tokens >= 100 else 1}f}"


def milliseconds(seconds):
    return f"{seconds * 1e3:.{2 if seconds < 0.1 else 0}f} ms"


def table(document):
    names = [test["test"] for test in document["configs"][0]["tests"]]
    lines = [f"| | load | of that, weights | {names[0]}, tokens/s | {names[1]}, tokens/s | attention | memory |",
             "|---|---|---|---|---|---|---|"]
    for step in steps(document):
        better = step["better"]
        cells = [f"`{step['config']}`", f"{milliseconds(step['load'])}{times(better['load'])}",
                 f"{milliseconds(step['weights'])}{times(better['weights'])}",
                 f"{rate(step['prompt'])}{times(better['prompt'])}",
                 f"{rate(step['generation'])}{times(better['generation'])}",
                 f"{step['attention']:,} B{times(better['attention'])}", f"{step['planned'] / 2**20:.1f} MiB"]
        lines.append("| " + " | ".join(cells) + " |")
    machine = document["configs"][-1]["machine"]
    lines += ["", f"{machine['cpu']}, {machine['processors']} processors, kernels {machine['kernels']}; "
              f"medians of {len(document['configs'][0]['tests'][0]['tokens_per_s'])}. *load* is everything until the "
              "model can be asked, *weights* its part that expands or repacks them; *attention*: bytes of keys and "
              "values for one position in one layer; *memory*: all that is planned, mapped weights included."]
    return "\n".join(lines) + "\n"


def svg(document):
    found = steps(document)
    powers = [math.log10(step["better"][key]) for step in found for key in COLOURS]
    low, high = min(-0.4, min(powers)), math.ceil(max(powers))
    height = TOP + ROW * len(found) + 10

    def x(power):
        return LEFT + (power - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
             'font-family="system-ui, sans-serif" font-size="13">',
             "<style>text { fill: #24292f } .grid { stroke: #8884 } "
             "@media (prefers-color-scheme: dark) { text { fill: #d0d7de } }</style>"]
    for i, (name, colour) in enumerate(COLOURS.items()):
        parts.append(f'<rect x="{LEFT + i * 120}" y="8" width="12" height="12" fill="{colour}"/>'
                     f'<text x="{LEFT + i * 120 + 18}" y="19">{name}</text>')
    parts.append(f'<text x="{LEFT + 270}" y="19">times the baseline\'s tokens per second</text>')
    for power in range(math.ceil(low), high + 1):
        parts.append(f'<line class="grid" x1="{x(power):.1f}" x2="{x(power):.1f}" y1="{TOP - 8}" y2="{height - 8}"/>'
                     f'<text x="{x(power):.1f}" y="{TOP - 13}" text-anchor="middle">{10 ** power:g}</text>')
    for i, step in enumerate(found):
        y = TOP + i * ROW
        parts.append(f'<text x="{LEFT - 12}" y="{y + 20}" text-anchor="end">{step["config"]}</text>')
        for j, (name, colour) in enumerate(COLOURS.items()):
            better = step["better"][name]
            begin, end = sorted((x(0), x(math.log10(better))))
            parts.append(f'<rect x="{begin:.1f}" y="{y + j * (BAR + 1)}" width="{max(end - begin, 2):.1f}" '
                         f'height="{BAR}" rx="2" fill="{colour}"/>'
                         f'<text x="{end + 6:.1f}" y="{y + j * (BAR + 1) + 12}">{short(better)}</text>')
    return "\n".join(parts) + "\n</svg>\n"


def main():
    source, page, name = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
    document = json.loads(source.read_text())
    shares = [statistics.mean(test["processor_share"]) for report in document["configs"] for test in report["tests"]]
    if min(shares) < 0.9:
        print(f"disturbed: a test had only {min(shares):.0%} of its processors", file=sys.stderr)
    content = table(document)
    if len(sys.argv) > 4:
        picture = pathlib.Path(sys.argv[4])
        picture.write_text(svg(document))
        content = f"![what each idea gains]({picture.name})\n\n" + content
    begin, end = f"<!-- staircase {name} -->\n", f"<!-- end {name} -->"
    before, _, rest = page.read_text().partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        sys.exit(f"{page}: no {begin.strip()} ... {end}")
    page.write_text(before + begin + content + end + after)


main()
