"""Words, names and made-up words for the demo model's conversations, split into seen and held out."""
import zlib

NOUNS = """apple anchor arrow acorn badge banana basket beach bell berry bird blanket boat book bottle branch bread bridge
brush bucket butter button cabin cactus camel candle canoe carpet carrot castle cheese cherry chicken circle cloud clover
coffee copper cotton cradle crayon cricket crown cup curtain dagger daisy desert dolphin donkey dragon drum eagle engine
eraser falcon feather fence ferry fiddle finger flower forest fossil fox frog garden garlic ginger giraffe glacier goat
grape guitar hammer harbor hazel helmet honey horse hotel igloo insect island ivory jacket jasmine jelly jewel juice jungle
kettle kitten kiwi ladder lagoon lantern lemon lion lizard lobster magnet mango maple marble meadow melon mirror mountain
muffin needle nest nickel noodle nutmeg oak oasis ocean olive onion orange orchid otter oyster paddle panda papaya parrot
pear pebble pencil pepper piano pillow planet plum pocket potato pumpkin puzzle queen quilt rabbit raccoon radish raven
ribbon river rocket saddle salmon scarf school seal shadow shell silver sparrow spoon squirrel star strawberry sugar summer
sunset table teapot temple thistle tiger tomato trumpet tulip turtle umbrella valley vanilla velvet village violin volcano
wagon walnut walrus water whale willow window winter wolf yacht yogurt zebra zipper mississippi bookkeeper raspberry""".split()
NAMES = """anna ben carla david emma felix greta hans ines jonas karin leo mia nina oscar paula quinn rosa sam tina ulla
victor wendy xenia yusuf zoe alice bob carol dora eric fatima george helen ivan julia kofi lena mark""".split()
CITIES = """paris berlin london madrid rome vienna oslo lima cairo tokyo delhi boston dublin lisbon athens prague warsaw
nairobi havana sydney toronto zurich geneva munich chicago denver seattle kyoto seoul quito""".split()
DATA_WORDS = set(NOUNS) | set(NAMES) | set(CITIES)

STARTS = "b c d f g h j k l m n p qu r s t v w x y z bl br ch cl cr dr fl gr pl pr sh sk sl sp st sw th tr".split()
VOWELS = "a e i o u ea oo ee ai ou ie y".split()
ENDS = ["", "", "", "n", "r", "l", "t", "s", "m", "ll", "ss", "tt", "rr", "ck", "nd", "x", "p", "b", "d", "g", "ng"]


def held_out(key):
    """One problem in eight is kept for the evaluation and never trained on."""
    return zlib.crc32(key.encode()) % 8 == 0


def invent(rng):
    """A pronounceable word that the model cannot know."""
    word = "" if rng.random() < 0.75 else rng.choice("aeiou")
    for _ in range(rng.choice((1, 1, 2, 2, 2))):
        word += rng.choice(STARTS) + rng.choice(VOWELS) + rng.choice(ENDS)
    return word[:9] if len(word) > 2 else word + "to"


def word(rng, test, real=NOUNS):
    """A word of the wanted side of the split; about half are real ones."""
    while True:
        r = rng.random()
        if r < 0.5:
            w = rng.choice(real)
        elif r < 0.95:
            w = invent(rng)
        else:
            w = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(3, 6)))
        if held_out(w) == test:
            return w


def name(rng, test):
    return word(rng, test, NAMES).capitalize()


def city(rng, test):
    return word(rng, test, CITIES).capitalize()
