"""Modules depend downwards only, and see of each other one header: its door.

BELOW says for each module which doors it may include. ARCHITECTURE.md draws the same."""
import re

BELOW = {
    "base": [],
    "machine": ["base"],
    "number": ["base"],
    "tokenizer": ["base", "number"],
    "checkpoint": ["base", "number"],
    "harmony": ["base", "tokenizer"],
    "grammar": ["base", "tokenizer"],
    "guide": ["base", "tokenizer", "harmony", "grammar"],
    "model": ["base", "number", "checkpoint"],
    "backend": ["base", "number", "model"],
    "cpu": ["base", "machine", "number", "model", "backend"],
    "plain": ["base", "machine", "number", "model", "backend"],
    "cache": ["base", "number", "model", "backend"],
    "sample": ["base", "model"],
    "engine": ["base", "number", "model", "backend", "cache", "sample"],
    # The only module that names a backend: it hands the engine the table.
    "api": ["base", "number", "tokenizer", "checkpoint", "harmony", "guide", "model", "backend",
            "cpu", "plain", "cache", "sample", "engine"],
}
# Outside src/ there is one door to all of it.
PUBLIC_ONLY = ["cli", "server", "examples", "python", "web", "notebooks"]

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.MULTILINE)


def fault(path, quote, target):
    """What is wrong with one #include, or None."""
    room, parts = path.parts[0], target.split("/")
    if room in PUBLIC_ONLY:
        inside = quote == '"' and (len(parts) == 1 or parts[0] == room)
        serves = (room, target) == ("cli", "server/server.h") # the program starts the server
        if quote == "<" or inside or serves:
            return None
        return f"{room}/ may include only <gptoss/gptoss.h> of the library"
    if room != "src":
        return None
    module = path.parts[1]
    if module not in BELOW:
        return f"module {module} is not in tools/lint/modules.py"
    if quote == "<":
        return None
    if len(parts) == 1 or parts[0] == module:
        return None
    if parts[0] not in BELOW[module]:
        return f"{module} may not depend on {parts[0]}"
    if target != f"{parts[0]}/{parts[0]}.h":
        return f"only {parts[0]}/{parts[0]}.h may be included from outside of {parts[0]}"
    return None


def check(root, files):
    breaches = []
    for path in files:
        if path.suffix not in (".c", ".h"):
            continue
        content = (root / path).read_text()
        for match in INCLUDE.finditer(content):
            why = fault(path, match[1], match[2])
            if why:
                line = content.count("\n", 0, match.start()) + 1
                breaches.append(f"{path}:{line}: includes {match[2]}: {why}")
    return breaches
