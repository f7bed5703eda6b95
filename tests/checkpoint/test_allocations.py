"""Makes a checkpoint in one file and one in shards and lets every allocation of loading them fail."""
import os
import subprocess
import sys
import tempfile

MAKE = os.path.join(os.path.dirname(__file__), "../../tools/random-model/make.py")

with tempfile.TemporaryDirectory() as folder:
    directories = []
    for name, options in (("one", []), ("shards", ["--shards", "3"])):
        directories.append(os.path.join(folder, name))
        subprocess.run([sys.executable, MAKE, directories[-1], "--layers", "2", "--experts", "2",
                        "--vocab", "32", *options], check=True)
    sys.exit(subprocess.run([sys.argv[1], *directories]).returncode)
