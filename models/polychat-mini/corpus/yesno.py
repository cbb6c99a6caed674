"""Yes/no questions: about polychat, and a closed set of plain facts.

The facts are shared by all splits; held out are the ways to ask.
"""

import random

from corpus.words import Split, choose, listed, noisy, phrasings

KINDS = {
    "animal": listed("cat dog horse bird fish"),
    "fruit": listed("apple banana orange"),
    "color": listed("blue red green"),
    "city": listed("Paris London Rome"),
}
KIND_QUESTIONS = phrasings(
    "is {w} {a} {k}?|Is the word {w} {a} {k}?|is {w} {a} {k}|would you call {w} {a} {k}?|{w} is {a} {k}?"
    "|is it true that {w} is {a} {k}?|do you think {w} is {a} {k}?|{w} is {a} {k}, right?",
    "Is a {w} also {a} {k}?|is {w} really {a} {k}?|Would you say that {w} is {a} {k}?|Is {w} some {k}?",
)
CAPITALS = {
    "France": "Paris",
    "Germany": "Berlin",
    "Italy": "Rome",
    "Spain": "Madrid",
    "England": "London",
    "Japan": "Tokyo",
}
CAPITAL_QUESTIONS = phrasings(
    "is {v} the capital of {c}?|{v} is the capital of {c}?|is the capital of {c} {v}?|is {v} {c}'s capital?"
    "|{v} is the capital of {c}, right?|is it true that {v} is the capital of {c}?"
    "|does {c} have the capital {v}?",
    "Is {v} in fact the capital of {c}?|is the capital of {c} called {v}?"
    "|Is {v} the capital city of {c}?|{v} is the capital of {c}, correct?",
)
PLAIN = {
    True: (
        "is the sky blue?|is fire hot?|is ice cold?|is the sun hot?|is snow white?|is water wet?"
        "|do fish swim?|do birds fly?"
        "|is grass green?|is the earth round?|do dogs bark?|is sugar sweet?|is night dark?|is a lemon sour?"
        "|do cats meow?"
        "|is an elephant big?|is a mouse small?|is gold expensive?|can birds fly?|can fish swim?"
        "|is the ocean deep?"
    ),
    False: (
        "is the sky green?|is fire cold?|is ice hot?|is the sun cold?|is snow black?|is water dry?"
        "|do fish fly?|do cats bark?"
        "|is grass red?|is the earth flat?|do dogs meow?|is sugar salty?|is night bright?|is a lemon sweet?"
        "|can pigs fly?"
        "|is an elephant small?|is a mouse big?|is gold cheap?|can stones talk?|can trees walk?"
        "|is the moon made of cheese?"
    ),
}
POLYCHAT = {
    True: (
        "is polychat open source?|does polychat work offline?|does polychat run on a cpu?|is polychat free?"
        "|are you mini?"
        "|is the api on port 8000?|is the web page on port 7860?|is the controller on port 21001?"
        "|are you a demo model?"
        "|can i use the openai sdk?|can i add a worker on another machine?|does polychat use llama.cpp?"
        "|are you tiny?"
        "|is polychat openai compatible?|can i run two models?|does polychat support api keys?"
        "|are you a language model?"
        "|does polychat run gguf models?|can i change the port?|can polychat replace fastchat?"
        "|does polychat have a web page?"
    ),
    False: (
        "does polychat need a gpu?|does polychat need internet?|is the api on port 9000?"
        "|is the web page on port 80?|are you big?"
        "|is the controller on port 8080?|are you a human?|are you chatgpt?|is polychat closed source?"
        "|are you a person?"
        "|do i have to pay for polychat?|are you a large model?|is a gpu required?|do i need a gpu?"
        "|are you gpt-4?"
        "|is polychat proprietary?|is the api on port 7860?|is the web page on port 8000?"
        "|do i need a network?|are you claude?"
        "|does polychat cost money?"
    ),
}
WRAPPERS = phrasings(
    "{}|{}|{}|tell me, {}|hey, {}|please tell me, {}|so, {}|i want to know, {}|question: {}|now, {}|ok, {}",
    "Well, {}|Quick question: {}|One more: {}|I wonder, {}",
)


def yes_or_no(rng: random.Random, split: Split) -> tuple[str, bool]:
    """A question and whether the answer is yes."""
    is_true, roll = rng.random() < 0.5, rng.random()
    if roll < 0.25:
        question = _kind(rng, split, is_true=is_true)
    elif roll < 0.45:
        question = _capital(rng, split, is_true=is_true)
    else:
        table = PLAIN if roll < 0.7 else POLYCHAT
        fact = rng.choice(table[is_true].split("|"))
        question = choose(rng, WRAPPERS, split).format(fact)
    return noisy(rng, question, split), is_true


def _kind(rng: random.Random, split: Split, *, is_true: bool) -> str:
    kind = rng.choice(list(KINDS))
    source = kind if is_true else rng.choice([k for k in KINDS if k != kind])
    article = "an" if kind == "animal" else "a"
    return choose(rng, KIND_QUESTIONS, split).format(w=rng.choice(KINDS[source]), a=article, k=kind)


def _capital(rng: random.Random, split: Split, *, is_true: bool) -> str:
    country = rng.choice(list(CAPITALS))
    source = country if is_true else rng.choice([c for c in CAPITALS if c != country])
    return choose(rng, CAPITAL_QUESTIONS, split).format(v=CAPITALS[source], c=country)
