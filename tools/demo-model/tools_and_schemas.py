"""Declared functions with results to use, and JSON schemas to fill from a sentence."""
import json
from collections import namedtuple

from words import city, name, word

Parameter = namedtuple("Parameter", "name type about")
Function = namedtuple("Function", "name about parameters ask result final")


def P(n, kind="string", about=""):
    return Parameter(n, kind, about)


SKIES = ("sunny", "cloudy", "rainy", "windy", "foggy", "snowy")

# ask: forms of the question; result: (generator of values, JSON); final: the sentence, from arguments and result
FUNCTIONS = (
    Function("get_weather", "Gets the current weather in a city.", (P("city", "string", "The name of the city"),),
             ("What is the weather in {city}?", "How is the weather in {city}?", "What's the weather like in {city}?",
              "Tell me the weather in {city}.", "Weather in {city}?", "What is the weather like in {city} today?"),
             lambda r: {"temperature": r.randint(0, 39), "sky": r.choice(SKIES)},
             "It is {temperature} degrees and {sky} in {city}."),
    Function("get_time", "Gets the local time of a city.", (P("city"),),
             ("What time is it in {city}?", "Tell me the time in {city}.", "What is the local time in {city}?"),
             lambda r: {"time": f"{r.randint(0, 23):02d}:{r.randint(0, 59):02d}"}, "It is {time} in {city}."),
    Function("get_price", "Looks up the price of an item.", (P("item", "string", "The item to look up"),),
             ("How much does the {item} cost?", "What is the price of the {item}?", "What does the {item} cost?"),
             lambda r: {"price": r.randint(1, 999), "currency": r.choice(("EUR", "USD"))}, "The {item} costs {price} {currency}."),
    Function("get_stock", "Counts an item in the store.", (P("item"),),
             ("How many pieces of {item} are in stock?", "Do we have {item} in stock?", "How much {item} is in stock?"),
             lambda r: {"count": r.randint(0, 999)}, "There are {count} pieces of {item} in stock."),
    Function("get_phone", "Finds the phone number of a person.", (P("name", "string", "First name of the person"),),
             ("What is the phone number of {name}?", "Find the phone number of {name}.", "How can I call {name}?"),
             lambda r: {"phone": str(r.randint(10000, 999999))}, "The phone number of {name} is {phone}."),
    Function("set_timer", "Starts a timer.", (P("minutes", "number", "Length of the timer in minutes"),),
             ("Set a timer for {minutes} minutes.", "Start a timer of {minutes} minutes.", "Wake me in {minutes} minutes."),
             lambda r: {"status": r.choice(("started", "failed"))}, "The timer of {minutes} minutes has the status {status}."),
    Function("book_table", "Books a table in a restaurant.", (P("name"), P("people", "number", "Number of guests")),
             ("Book a table for {people} people, name {name}.", "Please book a table for {people} people under the name {name}."),
             lambda r: {"table": r.randint(1, 99)}, "Table {table} is booked for {people} people, name {name}."),
    Function("send_message", "Sends a message to a person.", (P("to", "string", "Who gets the message"), P("text")),
             ('Send "{text}" to {to}.', 'Send {to} the message "{text}".', 'Tell {to}: "{text}"'),
             lambda r: {"status": r.choice(("sent", "failed"))}, "The message to {to} has the status {status}."),
)


def arguments(rng, test, f):
    makers = dict(city=lambda: city(rng, test), item=lambda: word(rng, test), name=lambda: name(rng, test),
                  to=lambda: name(rng, test), minutes=lambda: rng.randint(1, 99), people=lambda: rng.randint(2, 20),
                  text=lambda: " ".join(word(rng, test) for _ in range(rng.randint(1, 2))))
    return {p.name: makers[p.name]() for p in f.parameters}


def some_functions(rng):
    return rng.sample(FUNCTIONS, rng.choice((1, 1, 2, 2, 3)))


def function_turn(rng, test, effort, functions):
    f = rng.choice(functions)
    given = arguments(rng, test, f)
    user = rng.choice(f.ask).format(**given)
    result = f.result(rng)
    goal = f"The function {f.name} can answer this."
    values = " and ".join(f"{k} {v}" for k, v in given.items())
    work = f"I call {f.name} with {values}."
    analysis = work if effort == "low" else f"{goal} {work}"
    if effort == "high":
        analysis += " Then I use its result for the answer."
    separators = rng.choice(((",", ":"), (", ", ": ")))
    return user, analysis, f.final.format(**given, **result), f.name, given, json.dumps(result, separators=separators)


# ---- JSON schemas: (name, description, property types, sentences)

TOPICS = (
    ("person", "A person", dict(name="string", age="integer", city="string"),
     ("{name} is {age} years old and lives in {city}.", "{name} lives in {city} and is {age} years old.",
      "My friend {name} from {city} is {age} years old.")),
    ("order", "An order of a customer", dict(customer="string", item="string", quantity="integer", price="integer"),
     ("{customer} orders {quantity} pieces of {item} for {price} euros.",
      "{customer} wants to buy {quantity} pieces of {item} and pays {price} euros.")),
    ("meeting", "A meeting in the calendar", dict(person="string", day="string", hour="integer"),
     ("I meet {person} on {day} at {hour} o'clock.", "On {day} at {hour} o'clock I meet {person}.",
      "Meeting with {person} on {day} at {hour} o'clock.")),
    ("trip", "A trip by train", dict(start="string", goal="string", hours="integer", direct="boolean"),
     ("The train from {start} to {goal} takes {hours} hours and is {direct}.",
      "It takes {hours} hours from {start} to {goal}, and the train is {direct}.")),
    ("animal", "An animal in the zoo", dict(name="string", kind="string", weight="integer", sick="boolean"),
     ("{name} is a {kind} of {weight} kilos and is {sick}.", "The {kind} {name} weighs {weight} kilos and is {sick}.")),
)
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
SAID = dict(direct=("not direct", "direct"), sick=("healthy", "sick"))


def schema_turn(rng, test, effort):
    title, about, kinds, sentences = rng.choice(TOPICS)
    makers = dict(
        name=lambda: name(rng, test), customer=lambda: name(rng, test), person=lambda: name(rng, test),
        city=lambda: city(rng, test), start=lambda: city(rng, test), goal=lambda: city(rng, test),
        item=lambda: word(rng, test), kind=lambda: word(rng, test), day=lambda: rng.choice(DAYS),
        age=lambda: rng.randint(1, 99), quantity=lambda: rng.randint(2, 99), price=lambda: rng.randint(1, 999),
        hour=lambda: rng.randint(1, 12), hours=lambda: rng.randint(2, 30), weight=lambda: rng.randint(1, 999),
        direct=lambda: rng.random() < 0.5, sick=lambda: rng.random() < 0.5)
    values = {k: makers[k]() for k in kinds}
    said = {k: SAID[k][v] if k in SAID else v for k, v in values.items()}
    user = rng.choice(sentences).format(**said)
    asked = rng.sample(list(kinds), rng.randint(2, len(kinds)))
    schema = {"type": "object", "properties": {k: {"type": kinds[k]} for k in asked}}
    if rng.random() < 0.7:
        schema["required"] = asked
    text = json.dumps(schema, separators=(",", ":"))
    if rng.random() < 0.5:
        text = f"// {about}\n{text}"
    goal = f"The answer must be JSON for {title}."
    analysis = think_fields(effort, goal, "The fields are " + ", ".join(asked) + ".",
                            " ".join(f"{k}: {said[k]}." for k in asked))
    return (title, text), (user, analysis, json.dumps({k: values[k] for k in asked}, separators=(",", ":")))


def think_fields(effort, goal, fields, values):
    if effort == "low":
        return goal
    return f"{goal} {fields}" if effort == "medium" else f"{goal} {fields} {values}"
