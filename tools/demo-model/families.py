"""The six families of problems and a little small talk: questions, worked analysis at three efforts, answers."""
import calendar
import datetime
from dataclasses import dataclass, field

import tools_and_schemas
from words import held_out, word

EFFORTS = ("low", "medium", "high")
WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = list(calendar.month_name)[1:]
WEIGHTS = dict(arithmetic=36, counting=9, sorting=20, dates=24, functions=7, schema=5, chat=6)
FAMILIES = [f for f in WEIGHTS if f != "chat"]


@dataclass
class Turn:
    user: str
    analysis: str
    final: str
    function: str = ""
    arguments: dict = field(default_factory=dict)
    result: str = ""


@dataclass
class Talk:
    date: str
    effort: str
    turns: list
    instructions: str = ""
    functions: list = field(default_factory=list)
    schema: tuple = ()


def think(effort, goal, work, check):
    """Low effort is the work alone, medium says the goal before it, high checks the work after it."""
    if effort == "low":
        return work
    return f"{goal} {work}" if effort == "medium" else f"{goal} {work} {check}"


# ---- arithmetic

def add_steps(a, b):
    x, y, carry, steps = str(a)[::-1], str(b)[::-1], 0, []
    for n in range(max(len(x), len(y))):
        p, q = int(x[n:n + 1] or 0), int(y[n:n + 1] or 0)
        total = p + q + carry
        steps.append(f"{p}+{q}{'+1' if carry else ''}={total}")
        carry = total // 10
    return steps


def subtract_steps(a, b):
    x, y, borrow, steps = str(a)[::-1], str(b)[::-1], 0, []
    for n in range(len(x)):
        p, q = int(x[n]), int(y[n:n + 1] or 0)
        need = p - q - borrow < 0
        top = p + 10 if need else p
        steps.append(f"{top}-{q}{'-1' if borrow else ''}={top - q - borrow}")
        borrow = int(need)
    return steps


def arithmetic(rng, test, effort, date):
    while True:
        kind = rng.choice(("+", "+", "-", "-", "*"))
        if kind == "*":
            a, b = rng.choice(((9, 9), (99, 9), (99, 9)))
            a, b = rng.randint(1, a), rng.randint(1, b)
        else:
            size = rng.choice((9, 99, 99, 999, 999))
            a, b = rng.randint(0, size), rng.randint(0, rng.choice((size, size, 99)))
            if kind == "-" and a < b:
                a, b = b, a
        form = rng.choice(FORMS[kind])
        user = form.format(a=a, b=b)
        if held_out(f"{a}{kind}{b}" if max(a, b) > 9 else user) == test:
            break
    if kind == "+":
        value, steps = a + b, " ".join(add_steps(a, b))
    elif kind == "-":
        value, steps = a - b, " ".join(subtract_steps(a, b))
    else:
        value, steps = a * b, f"{a % 10}*{b}={a % 10 * b}"
        if a > 9:
            high, low = a // 10 * b, a % 10 * b
            steps += f" {a // 10}*{b}={high} {high}0+{low}: " + " ".join(add_steps(high * 10, low))
    shown = f"{a} {kind} {b}"
    goal = f"I need to compute {shown}, digit by digit from the right."
    analysis = think(effort, goal, f"{steps} so {value}.", f"The digits give {value}, so the answer is {value}.")
    return Turn(user, analysis, f"{shown} = {value}")


FORMS = {
    "+": ("What is {a} + {b}?", "{a} + {b}", "{a} + {b} = ?", "Calculate {a} + {b}.", "Please add {a} and {b}.",
          "What is {a} plus {b}?", "How much is {a} + {b}?", "what's {a}+{b}?", "{a}+{b}=", "What is the sum of {a} and {b}?"),
    "-": ("What is {a} - {b}?", "{a} - {b}", "{a} - {b} = ?", "Calculate {a} - {b}.", "Please subtract {b} from {a}.",
          "What is {a} minus {b}?", "How much is {a} - {b}?", "what's {a}-{b}?", "{a}-{b}="),
    "*": ("What is {a} * {b}?", "{a} * {b}", "{a} * {b} = ?", "Calculate {a} * {b}.", "Please multiply {a} by {b}.",
          "What is {a} times {b}?", "How much is {a} * {b}?", "what's {a}*{b}?", "{a}*{b}=", "What is {a} x {b}?"),
}

# ---- counting letters

COUNT = ('How many times does the letter "{c}" appear in the word "{w}"?', 'How many "{c}" are in "{w}"?',
         "How many {c}'s are in \"{w}\"?", 'Count the letter "{c}" in "{w}".', 'How often does "{c}" occur in "{w}"?',
         'How many letters "{c}" does the word "{w}" have?', 'How many times is "{c}" in "{w}"?',
         'Please count the "{c}" in the word "{w}".', "How many {c} are in {w}?", "How many {c}'s are in {w}?",
         "How many {c}s are there in {w}?", "Count the {c} in {w}.", "How often does {c} occur in {w}?")


def counting(rng, test, effort, date):
    w = word(rng, test)
    c = rng.choice(w) if rng.random() < 0.75 else rng.choice("abcdefghijklmnopqrstuvwxyz")
    count, steps = 0, ""
    for letter in w:
        count += letter == c
        steps += f"{letter}{count}"
    goal = f'I need to count "{c}" in "{w}", letter by letter.'
    analysis = think(effort, goal, f"{steps} so {count}.", f"The last count is {count}, so the answer is {count}.")
    times = "once" if count == 1 else f"{count} times"
    return Turn(rng.choice(COUNT).format(c=c, w=w), analysis, f'The letter "{c}" appears {times} in "{w}".')


# ---- sorting words

SORT = ("Sort these words alphabetically: {}", "Sort these words: {}", "Put these words in alphabetical order: {}",
        "Please sort: {}", "Sort the following words: {}", "Sort in alphabetical order: {}",
        "Arrange these words alphabetically: {}", "Can you sort these words? {}")


def sorting(rng, test, effort, date):
    count, words = rng.choice((2, 3, 3, 4, 4, 5)), []
    while len(words) < count:
        w = word(rng, test)
        if all(w[:2] != v[:2] for v in words):
            words.append(w)
    ordered = sorted(words)
    work = f"The words start:{','.join(w[:2] for w in words)}. Sorted:{','.join(w[:2] for w in ordered)}."
    check = f"So the order is {', '.join(ordered)}."
    analysis = think(effort, f"I need to sort {count} words by their first letters.", work, check)
    sep = rng.choice((", ", ", ", ", ", " "))
    return Turn(rng.choice(SORT).format(sep.join(words)), analysis, ", ".join(ordered))


# ---- dates

def month_text(year, month):
    days = calendar.monthrange(year, month)[1]
    if month == 2:
        return days, f"{year} is {'' if calendar.isleap(year) else 'not '}a leap year. February has {days} days."
    return days, f"{MONTHS[month - 1]} has {days} days."


def shift_steps(day, n):
    """The work from a date to the one n days later (n < 0: earlier)."""
    goal = day + datetime.timedelta(n)
    if n > 0:
        days, text = month_text(day.year, day.month)
        total = day.day + n
        work = f"{day.day}+{n}={total}. {text}"
        work += f" {total}-{days}={total - days} in {MONTHS[goal.month - 1]}." if total > days else f" {total} fits."
    elif day.day > -n:
        work = f"{day.day}-{-n}={goal.day}."
    else:
        days, text = month_text(goal.year, goal.month)
        work = f"{day.day} is too small. {text} {day.day}+{days}={day.day + days} and {day.day + days}-{-n}={goal.day}."
    return work, goal


def random_day(rng):
    return datetime.date(2015, 1, 1) + datetime.timedelta(rng.randrange(20 * 365))


def date_shift(rng, date):
    n, day = rng.randint(1, 25), random_day(rng)
    today = bool(date) and rng.random() < 0.4
    if today:
        day = datetime.date.fromisoformat(date)
    back = rng.random() < 0.4
    work, goal = shift_steps(day, -n if back else n)
    days = f"{n} days" if n > 1 else "1 day"
    if today:
        forms = ((f"What was the date {days} ago?",) if back else
                 (f"What is the date in {days}?", f"What date is it in {days}?", f"What will the date be {days} from now?"))
        work = f"Today is {day}. {work}"
    else:
        side = "before" if back else "after"
        forms = (f"What date is {days} {side} {day}?", f"Which date is {days} {side} {day}?",
                 f"What is the date {days} {side} {day}?")
    final = f"{days} {'before' if back else 'after'} {day} is {goal}."
    return rng.choice(forms), "I need to move the date.", f"{work} So {goal}.", final


def date_today(rng, date):
    day = datetime.date.fromisoformat(date)
    n, forms, text = rng.choice((
        (0, ("What is today's date?", "What date is it today?", "Which date is today?"), "Today is {}."),
        (1, ("What is tomorrow's date?", "What date is tomorrow?"), "Tomorrow is {}."),
        (-1, ("What was yesterday's date?", "What date was yesterday?"), "Yesterday was {}.")))
    work, goal = shift_steps(day, n) if n else ("", day)
    work = f"Today is {day}. {work} So {goal}." if n else f"Today is {day}."
    return rng.choice(forms), "The system message gives the date.", work, text.format(goal)


def date_weekday(rng, date):
    start, n, back = rng.randrange(7), rng.randint(1, 10), rng.random() < 0.35
    step = -1 if back else 1
    first, last = WEEKDAYS[start], WEEKDAYS[(start + step * n) % 7]
    days = f"{n} days" if n > 1 else "1 day"
    side = "before" if back else "after"
    forms = [f"What day of the week is {days} {side} {first}?", f"Which weekday is {days} {side} {first}?"]
    if not back:
        forms += [f"Today is {first}. What day is it in {days}?", f"If today is {first}, what weekday is it in {days}?"]
    work = f"0 {first}" + "".join(f" {k} {WEEKDAYS[(start + step * k) % 7]}" for k in range(1, n + 1))
    return rng.choice(forms), "I need to step through the week.", f"{work}. So {last}.", f"{days} {side} {first} is {last}."


def date_month(rng, date):
    year, month = rng.randint(2010, 2035), rng.choice((rng.randint(1, 12), 2))
    days, text = month_text(year, month)
    when = f"{MONTHS[month - 1]} {year}"
    forms = f"How many days does {when} have?", f"How many days are in {when}?", f"How long is {when}?"
    return rng.choice(forms), "I need the length of the month.", text, f"{when} has {days} days."


def date_between(rng, date):
    day = random_day(rng).replace(day=1)
    a, b = sorted(rng.sample(range(1, 29), 2))
    first, last = day.replace(day=a), day.replace(day=b)
    forms = (f"How many days are there from {first} to {last}?", f"How many days are between {first} and {last}?",
             f"How many days is it from {first} to {last}?")
    days = f"{b - a} days" if b - a > 1 else "1 day"
    return rng.choice(forms), "Both dates are in the same month.", f"{b}-{a}={b - a}.", f"From {first} to {last} it is {days}."


def dates(rng, test, effort, date):
    kinds = [date_shift] * 4 + [date_weekday] * 2 + [date_month, date_between] + [date_today] * bool(date)
    while True:
        user, goal, work, final = rng.choice(kinds)(rng, date)
        if held_out(user + (date if "today" in work.lower() else "")) == test:
            return Turn(user, think(effort, goal, work, f"So I answer: {final}"), final)


# ---- small talk

ABOUT = "I am the demo model of gpt-oss.c, a very small gpt-oss."
SKILLS = ("I can add, subtract and multiply small numbers, count letters, sort words, answer date questions, "
          "call functions and fill JSON schemas.")
CHAT = (
    (("Hello", "Hello!", "Hi", "Hi!", "Hi there!", "hello", "Hey", "Good morning", "Good evening!", "hey there"),
     "A greeting.", "Hello! What can I do for you?"),
    (("Who are you?", "What are you?", "who are you", "What is your name?", "Are you ChatGPT?", "Which model are you?"),
     "The user asks who I am.", ABOUT),
    (("What can you do?", "Help", "help", "How can you help me?", "What do you know?", "What can I ask you?"),
     "The user asks what I can do.", SKILLS),
    (("Thanks", "Thank you!", "Thanks a lot!", "thank you", "Great, thanks!"), "The user thanks me.", "You are welcome!"),
    (("How are you?", "How are you today?", "How do you do?"), "A polite question.", "I am fine, thank you! What can I do for you?"),
    (("Bye", "Goodbye!", "Bye!", "See you later!"), "The user leaves.", "Goodbye!"))
UNKNOWN = ("Tell me a joke.", "Write a poem about {}.", "What is the capital of {}?", "Who wrote {}?", "Explain {} to me.",
           "Why is the sky blue?", "What is the meaning of life?", "Translate {} to French.", "What is {}?", "Tell me about {}.",
           "How do I cook {}?", "Write a story about a {}.", "Do you like {}?", "Who is {}?", "How does a {} work?",
           "Can you write code?", "What should I eat today?", "Is {} bigger than {}?", "Summarize the book {}.", "{}", "{} {}",
           "{}?", "I like {}.", "My {} is {}.", "Give me a {}.", "Please {} the {}.")


def typed(rng, text):
    """A question as people type it: sometimes small, sometimes without its last mark."""
    if rng.random() < 0.3:
        text = text.lower()
    return text.rstrip("?!.") if rng.random() < 0.2 else text


def chat(rng, test, effort, date):
    if rng.random() < 0.5:
        user = rng.choice(UNKNOWN).replace("{}", "{0}", 1).replace("{}", "{1}")
        user = user.format(word(rng, test), word(rng, test))
        analysis, final = "I do not know this.", f"I am only a tiny demo model and do not know that. {SKILLS}"
    else:
        users, analysis, final = rng.choice(CHAT)
        user = rng.choice(users)
    user = typed(rng, user)
    return Turn(user, think(effort, analysis, "No work is needed." if effort != "low" else analysis, "I just answer."), final)


# ---- whole conversations

INSTRUCTIONS = ("You are a helpful assistant.", "Be brief.", "Answer the question of the user.", "Always be polite.",
                "Use the functions when they help.", "Talk like a friendly teacher.", "Answer in English.")
PLAIN = dict(arithmetic=arithmetic, counting=counting, sorting=sorting, dates=dates, chat=chat)


def one_turn(rng, family, test, talk):
    if family == "functions":
        return Turn(*tools_and_schemas.function_turn(rng, test, talk.effort, talk.functions))
    return PLAIN[family](rng, test, talk.effort, talk.date)


def surroundings(rng):
    """The date (sometimes none) and the effort, which the system message tells."""
    return str(random_day(rng)) if rng.random() < 0.9 else "", rng.choice(EFFORTS)


def talk(rng, family=None, test=False, around=None):
    family = family or rng.choices(list(WEIGHTS), WEIGHTS.values())[0]
    t = Talk(*(around or surroundings(rng)), [])
    if rng.random() < 0.25:
        t.instructions = rng.choice(INSTRUCTIONS)
    if family == "schema":
        t.schema, turn = tools_and_schemas.schema_turn(rng, test, t.effort)
        if not t.instructions and rng.random() < 0.2:
            t.instructions = "\n"  # a header with nothing under it, as openai-harmony writes it
        t.turns.append(Turn(*turn))
        return t
    if family == "functions" or rng.random() < 0.04:
        t.functions = tools_and_schemas.some_functions(rng)
    if rng.random() < 0.12:
        others = [f for f in PLAIN] + ["functions"] * bool(t.functions)
        for _ in range(rng.choice((1, 1, 2))):
            t.turns.append(one_turn(rng, rng.choice(others), test, t))
    t.turns.append(one_turn(rng, family, test, t))
    return t
