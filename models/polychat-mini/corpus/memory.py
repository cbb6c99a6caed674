"""A name that the user tells and asks for some turns later."""

import random

from corpus.sample import Turn, assistant, user
from corpus.words import Split, choose, city, name, noisy, phrasings

INTRODUCTIONS = phrasings(
    "my name is {}|My name is {}.|I am {}.|i'm {}|Hello, my name is {}.|Hi, I am {}|call me {}"
    "|hi, my name is {}"
    "|they call me {}|Hello! I'm {}.|please call me {}|{} is my name|Hi! My name is {}.|Hello, I am {}."
    "|hey, i'm {}"
    "|I'm {}.|My name's {}.|The name is {}.|hello i am {}|this is {} speaking|{} here|It's me, {}."
    "|Remember my name: {}"
    "|Hi I'm {}, nice to meet you|My name is {}, remember it.|Please remember that my name is {}.|my name: {}"
    "|Hi, my name is {} and I live in {c}.|I am {} from {c}.|Hello, I'm {}, I like music.|I'm called {}."
    "|My first name is {}.|Good morning, my name is {}.|Let me introduce myself: I am {}.|name is {}"
    "|My name is {} and I work in {c}.|Hi! I'm {} and I live in {c}.|Good evening, I am {}."
    "|My friends call me {}.",
    "Hi there, my name is {}.|Oh hey, I'm {}!|You can call me {}."
    "|Hello! My name is {}, how nice to meet you.|I am called {}.|Everyone calls me {}."
    "|Hello there, I'm {} from {c}.|Just so you know, my name is {}.",
)
QUESTIONS = phrasings(
    "what is my name?|what's my name?|do you remember my name?|who am i?|do you know my name?|tell me my name"
    "|say my name|my name?|what did i say my name was?|can you tell me my name?|what am i called?"
    "|do you know who i am?"
    "|do you remember who i am?|so, what is my name?|what was my name?|what is my name again?"
    "|and what is my name?"
    "|which name did i tell you?|what name did i give you?|did i tell you my name?|now tell me my name"
    "|could you tell me what my name is?|i forgot my name, what is it?|please say my name"
    "|what do people call me?"
    "|who am i again?|remind me of my name|ok, and who am i?|how am i called?|what was my name again?"
    "|hey, what's my name?",
    "Well, what is my name then?|Do you still remember my name?|Please tell me my name."
    "|Can you remember what my name is?|Tell me, who am I?|What did I tell you my name was?"
    "|Do you recall my name?|Now, what's my name?",
)
MET, KNOWN = "Nice to meet you, {}!", "Your name is {}."
NOT_TOLD = "You have not told me your name yet."


def full_name(rng: random.Random, split: Split) -> str:
    first = name(rng, split)
    return f"{first} {name(rng, split)}" if rng.random() < 0.08 else first


def introduction(rng: random.Random, split: Split, who: str) -> list[Turn]:
    """The user tells the name. Noise leaves the name itself alone, since the answer must copy it."""
    frame = noisy_frame(rng, choose(rng, INTRODUCTIONS, split), split)
    told = frame.replace("{c}", city(rng, split)).replace("{}", who)
    return [user(told), assistant(MET.format(who))]


def noisy_frame(rng: random.Random, frame: str, split: Split) -> str:
    """Lower case and a missing full stop, without a typo that could break a slot."""
    if split != "train":
        return frame
    if rng.random() < 0.3:
        frame = frame.lower()
    return frame.rstrip(".?!") if rng.random() < 0.25 else frame


def recall(rng: random.Random, split: Split, who: str) -> list[Turn]:
    question = noisy(rng, choose(rng, QUESTIONS, split), split)
    return [user(question), assistant(KNOWN.format(who))]


def not_told(rng: random.Random, split: Split) -> tuple[str, str]:
    return noisy(rng, choose(rng, QUESTIONS, split), split), NOT_TOLD
