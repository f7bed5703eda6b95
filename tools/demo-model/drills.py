"""Practice for the small steps that the worked analyses are made of: many in one short sequence, only results counted."""
import families
from words import word


def digit_facts(rng):
    """One column of a sum or a difference, or one product of digits, as (question, result)."""
    kind = rng.choice("++--*")
    if kind == "*":
        a, b = rng.randint(0, 9), rng.randint(0, 9)
        return f"{a}*{b}=", str(a * b)
    a, b, carry = rng.randint(0, 9), rng.randint(0, 9), rng.randint(0, 1)
    if kind == "+":
        return f"{a}+{b}{'+1' if carry else ''}=", str(a + b + carry)
    top = a + 10 if a - b - carry < 0 else a
    return f"{top}-{b}{'-1' if carry else ''}=", str(top - b - carry)


def day_facts(rng):
    """The sums and differences of day numbers."""
    a, b = rng.randint(1, 31), rng.randint(1, 31)
    if rng.random() < 0.5:
        return f"{a}+{min(b, 25)}=", str(a + min(b, 25))
    return f"{a + b}-{b}=", str(a)


def letter_facts(rng):
    """Sorting of word beginnings."""
    keys = {word(rng, False)[:2] for _ in range(rng.randint(2, 5))}
    return f"start:{','.join(keys)}. Sorted:", ",".join(sorted(keys)) + "."


def months(rng):
    month = rng.choice(families.MONTHS)
    days, text = families.month_text(rng.randint(2013, 2036), families.MONTHS.index(month) + 1)
    return text[:text.index(str(days) + " days")], f"{days} days."


def pieces(rng, prefix):
    """A sequence of 10 to 14 steps of one kind in the place of an analysis, as (text, is counted) pairs."""
    fact = rng.choice((digit_facts, digit_facts, day_facts, letter_facts, letter_facts, months))
    out = [(f"{prefix}.<|end|><|start|>user<|message|>Practice<|end|><|start|>assistant<|channel|>analysis<|message|>", False)]
    for _ in range(rng.randint(10, 14) if fact is not letter_facts else 5):
        question, result = fact(rng)
        out += [(question, False), (result, True), (" ", False)]
    return out
