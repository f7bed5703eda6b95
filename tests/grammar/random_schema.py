"""Schemas against another implementation (jsonschema): random ones, random texts of them, and
texts that differ a little from those. If this fails, a model is held to something else than the
schema says: it can emit what the caller refuses, or can't emit what the caller asks for.

  random_schema.py DRIVER [--schemas N] [--seed N]"""
import argparse
import decimal
import json
import random

import jsonschema

from schema_client import OK, UNSUPPORTED, Driver

NAMES = ["a", "b", "ab", "abc", "a b", "é", "x\"y", "n\\m", "kind"]
PATTERNS = ["^[a-c]+$", "b", "^a", "\\d{2}$", "^(foo|ba+r)?$", "[^a]", "^x-"]
VALUES = [None, True, False, 0, 1, -3, 2.5, "", "a", "ab", "foo", [], [1], {}, {"a": 1}]


def maybe(rng, schema, share, **keys):
    for key, make in keys.items():
        if rng.random() < share:
            schema[key] = make()


def number(rng):
    return rng.choice([rng.randint(-20, 20), rng.randint(-3000, 3000), rng.randint(-40, 40) / 8])


def random_schema(rng, depth):
    """One schema; every keyword that is understood may be in it."""
    def below():
        return random_schema(rng, depth - 1)
    kinds = ["number", "integer", "string", "enum", "const", "null", "boolean", "true"]
    kinds += ["object"] * 5 + ["array"] * 3 + ["any", "all", "ref", "untyped"] if depth else []
    kind = rng.choice(kinds)
    schema = {"type": kind}
    if kind in ("number", "integer"):
        maybe(rng, schema, 0.4, minimum=lambda: number(rng), maximum=lambda: number(rng))
        maybe(rng, schema, 0.15, exclusiveMinimum=lambda: number(rng),
              exclusiveMaximum=lambda: number(rng), multipleOf=lambda: rng.choice([2, 3, 5, 7, 10]))
    elif kind == "string":
        maybe(rng, schema, 0.3, minLength=lambda: rng.randint(0, 3),
              maxLength=lambda: rng.randint(1, 6), pattern=lambda: rng.choice(PATTERNS))
    elif kind == "enum":
        schema = {"enum": rng.sample(VALUES, rng.randint(1, 5))}
    elif kind == "const":
        schema = {"const": rng.choice(VALUES)}
    elif kind == "array":
        maybe(rng, schema, 0.4, minItems=lambda: rng.randint(0, 2),
              maxItems=lambda: rng.randint(1, 4), items=below,
              prefixItems=lambda: [below() for _ in range(rng.randint(1, 3))])
    elif kind == "object":
        names = rng.sample(NAMES, rng.randint(0, 4))
        schema["properties"] = {name: below() for name in names}
        maybe(rng, schema, 0.5, required=lambda: rng.sample(names, rng.randint(0, len(names))),
              additionalProperties=lambda: rng.choice([False, False, below()]))
        maybe(rng, schema, 0.15, minProperties=lambda: rng.randint(0, 3),
              maxProperties=lambda: rng.randint(1, 4),
              patternProperties=lambda: {p: below() for p in rng.sample(PATTERNS, 2)},
              propertyNames=lambda: {"maxLength": rng.randint(1, 3)})
    elif kind == "any":
        schema = {"anyOf": [below() for _ in range(rng.randint(1, 3))]}
    elif kind == "all":
        schema = {"allOf": [below() for _ in range(rng.randint(1, 2))]}
    elif kind == "ref":
        schema = {"type": "object", "properties": {"next": {"$ref": "#/$defs/shared"}}}
    elif kind == "untyped":
        schema = {"minimum": 3, "maxLength": 2, "required": ["a"], "maxItems": 1}
    elif kind == "true":
        schema = rng.choice([True, {}])
    return schema


def as_written(value):
    """Compact, as it must always be possible."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def changed(rng, value):
    """A value that differs in one place; the order of keys is kept."""
    if isinstance(value, dict) and value and rng.random() < 0.8:
        key = rng.choice(list(value))
        if rng.random() < 0.3:
            return {k: v for k, v in value.items() if k != key}
        if rng.random() < 0.2:
            return value | {"zz": rng.choice(VALUES)}
        return {k: changed(rng, v) if k == key else v for k, v in value.items()}
    if isinstance(value, list) and value and rng.random() < 0.8:
        at = rng.randrange(len(value))
        return value[:at] + rng.choice([[], [changed(rng, value[at])], value[at:] * 2]) \
            + value[at + 1:]
    if isinstance(value, int) and not isinstance(value, bool) and rng.random() < 0.7:
        return value + rng.choice([-1, 1, 10, -10])
    if isinstance(value, str) and rng.random() < 0.7:
        return rng.choice([value + "a", value[1:], value + "\n\"é"])
    return rng.choice(VALUES)


def plain_numbers(value):
    """No number that is written in a way that schemas with bounds don't take: 1.0, 1e9."""
    if isinstance(value, dict):
        return all(plain_numbers(v) for v in value.values())
    if isinstance(value, list):
        return all(plain_numbers(v) for v in value)
    return not isinstance(value, float) or ("e" not in repr(value) and not value.is_integer())


def exact(text):
    return json.loads(text, parse_float=decimal.Decimal)


def repeats_a_key(text):
    """Other properties are made up freely, so the same one may come twice: docs/grammars.md."""
    repeats = []
    json.loads(text, object_pairs_hook=lambda pairs: repeats.append(len(dict(pairs)) < len(pairs)))
    return any(repeats)


def check(driver, schema, rng, counts):
    text = json.dumps(schema)
    status, message = driver.read(text)
    if status == UNSUPPORTED:
        counts["unsupported"] += 1
        return
    assert status == OK, f"{text}: {message}"
    validator = jsonschema.Draft202012Validator(exact(text))
    for _ in range(4):
        sample = driver.random(rng.getrandbits(32))
        if sample and repeats_a_key(sample):
            continue
        if sample is None:
            values = VALUES
        else:
            value = exact(sample)
            assert validator.is_valid(value), f"{text}\nallows\n{sample}"
            assert driver.accepts(sample), f"{text}\nmade but refused\n{sample}"
            value = json.loads(sample)
            values = [value] + [changed(rng, value) for _ in range(3)] + rng.sample(VALUES, 2)
            counts["samples"] += 1
        for value in values:
            written = as_written(value)
            if "Infinity" in written:
                continue
            valid = validator.is_valid(exact(written))
            taken = driver.accepts(written)
            counts["verdicts"] += 1
            if valid and not taken and not plain_numbers(value):
                continue
            assert valid == taken, f"{text}\nis {valid}, is taken {taken}:\n{written}"


def main():
    options = argparse.ArgumentParser()
    options.add_argument("driver")
    options.add_argument("--schemas", type=int, default=1500)
    options.add_argument("--seed", type=int, default=1)
    options = options.parse_args()
    rng, driver = random.Random(options.seed), Driver(options.driver)
    decimal.getcontext().prec = 1000  # 1e307 is divided exactly
    counts = {"samples": 0, "verdicts": 0, "unsupported": 0}
    for _ in range(options.schemas):
        schema = random_schema(rng, 3)
        if isinstance(schema, dict):
            schema["$defs"] = {"shared": random_schema(rng, 1)}
        check(driver, schema, rng, counts)
    print(f"{options.schemas} schemas, {counts}")
    assert counts["samples"] > options.schemas


if __name__ == "__main__":
    main()
