"""What the comparisons with openai-harmony share: the driver, and the reference with a vocabulary.

openai-harmony wants the file o200k_base.tiktoken. It is written from the vocabulary that is built
into the program, and must come out equal, to the byte, to the one that OpenAI published.
"""

import base64
import hashlib
import os
import subprocess
import tempfile

# Of o200k_base.tiktoken, as openai-harmony itself checks it.
VOCABULARY_SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
N_ORDINARY = 199998

ROLES = ["assistant", "user", "system", "developer", "tool"]  # enum harmony_role
COMPLETION, TRAINING, CONVERSATION = range(3)  # enum harmony_purpose
DROP_REFERENCE, DROP_GUIDE, DROP_NONE = range(3)  # enum harmony_drop


def run(driver, mode, lines):
    """One answer of the driver for each line."""
    data = "".join(line + "\n" for line in lines).encode()
    done = subprocess.run([driver, mode], input=data, capture_output=True)
    assert done.returncode == 0, f"driver {mode} ended with {done.returncode}: {done.stderr[-500:]}"
    answers = done.stdout.decode().split("\n")[:-1]
    assert len(answers) == len(lines), f"{len(lines)} lines in, {len(answers)} out"
    return answers


def load(driver):
    """The reference's encoding, over the driver's vocabulary."""
    listing = subprocess.run([driver, "vocabulary"], capture_output=True, check=True).stdout
    lines = []
    for line in listing.decode().splitlines():
        token, rank = line.split(" ")
        if int(rank) < N_ORDINARY:
            lines.append(base64.b64encode(bytes.fromhex(token)).decode() + " " + rank + "\n")
    data = "".join(lines).encode()
    digest = hashlib.sha256(data).hexdigest()
    assert digest == VOCABULARY_SHA256, f"the built-in vocabulary is not o200k_base: {digest}"
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "o200k_base.tiktoken"), "wb") as file:
            file.write(data)
        os.environ["TIKTOKEN_ENCODINGS_BASE"] = folder
        import openai_harmony

        return openai_harmony.load_harmony_encoding("HarmonyGptOss")
