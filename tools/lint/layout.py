"""What tools of the compiler say: exported symbols and formatting."""
import pathlib
import subprocess
import sys


def symbols(build):
    """The shared library exports gptoss_* and nothing else."""
    libraries = [path for path in sorted(build.rglob("libgptoss.so")) if path.is_file()]
    if not libraries:
        return [f"{build}: no libgptoss.so: run ./dev build first"]
    listed = subprocess.run(["nm", "-D", "--defined-only", libraries[0]], capture_output=True,
                            text=True, check=True).stdout
    names = [line.split()[-1].split("@")[0] for line in listed.splitlines()]
    if not names:
        return [f"{libraries[0]}: exports nothing"]
    return [f"{libraries[0]}: exports {name}" for name in names if not name.startswith("gptoss_")]


def formatting(root, files):
    """Every C file is as .clang-format lays it out, by the pinned clang-format."""
    program = pathlib.Path(sys.executable).parent / "clang-format"
    if not program.exists():
        return [f"{program} is missing: ./dev installs it"]
    wrong = []
    for path in files:
        if path.suffix not in (".c", ".h"):
            continue
        laid_out = subprocess.run([program, path], cwd=root, capture_output=True, check=True).stdout
        if laid_out != (root / path).read_bytes():
            wrong.append(f"{path}: run ./dev format")
    return wrong
