"""Repeating what the user says: "Say this is a test" is answered "This is a test."."""

import random

from corpus.words import COMMON, Phrasings, Split, choose, listed, name, nonce, phrasings, word

SENTENCES = phrasings(
    "this is a {w}|the {w} is {w}|i like {w}|we are all {w}|my {w} is very {w}|hello {w}|good morning {w}"
    "|yes|no|hello"
    "|the {w} and the {w}|it is a {w} day|you are {w}|i love my {w}|there is a {w} in the {w}"
    "|everything is {w}|hi|ok"
    "|{w} is better than {w}|i am {w}|hello from {n}|{n} is my friend|we like {n}|good night {n}"
    "|i want {w} and {w}|banana"
    "|the test is {w}|a {w} is not a {w}|hello world|hello world again|this is {w}|this is not a {w}"
    "|that is a {w} {w}",
    "this is only a {w}|the quick {w} jumps over the lazy {w}|they want a {w}|the {w} was near the {w}"
    "|i am a {w}"
    "|the sky over {n} is {w}|{n} likes {w}|we love the {w}|my name is not {n}|it was a {w} {w}|goodbye {w}"
    "|this {w} is {w}",
)
PLAIN = phrasings(
    "say {}|Say {}|repeat {}|Repeat {}|please say {}|Please repeat {}|can you say {}|say {} please"
    "|now say {}|just say {}"
    "|echo {}|Say {}|say {}|Can you repeat {}|would you say {}|please just repeat {}|reply with {}"
    "|Respond with {}"
    "|answer with {}|Say only {}|only say {}|simply say {}|please write {}|say the words {}"
    "|Say the sentence {}",
    "Now could you say {}|Could you say {}|Please just say {}|Will you repeat {}|Please do say {}"
    "|Say just {}|I want you to say {}|Kindly repeat {}",
)
EXACT = phrasings(
    'say "{}"|repeat "{}"|echo: {}|repeat after me: {}|say exactly: {}|repeat this: {}|please repeat: {}'
    '|reply with "{}"'
    '|Repeat the phrase "{}"|write "{}"|Repeat exactly: {}|copy this: {}|Reply with exactly: {}'
    '|answer with "{}"'
    "|say '{}'|repeat '{}'|Say the following: {}|Respond with exactly: {}|Output this: {}|Reply only with: {}"
    "|Repeat after me: {}|say this: {}|please say \"{}\"|Just say: {}|type: {}|respond only with '{}'"
    '|Say "{}" please',
    'Say: {}|Please do say "{}"|Repeat the following: {}|Print "{}"|Repeat back: {}'
    "|Say exactly \"{}\"|Reply with just: {}|Please say '{}'",
)

LEADS = listed(
    "|||please |can you |could you |now |just |hey, |ok, |i want you to |would you |mini, |simply |kindly "
    "|go ahead and "
    "|you should |hi, |then |i would like you to |can you please |please just |let me hear you |try to "
    "|you must ",
    "|",
)
VERBS = listed(
    "say|say|say|repeat|repeat|echo|write|print|type|output|reply with|respond with|answer with|say only", "|"
)
PLAIN_OBJECTS = listed(" {}| {}| {}| the words {}| the sentence {}| the word {}| the phrase {}", "|")
EXACT_OBJECTS = listed(
    ' "{}"| "{}"|: {}|: {}| exactly: {}| this: {}| the following: {}| exactly "{}"| after me: {}| back: {}'
    "| the words: {}"
    "| '{}'| the text \"{}\"| the sentence: {}| only: {}| just \"{}\"| this text: {}| the line '{}'"
    "| with: {}",
    "|",
)
PLAIN_TAILS, QUOTED_TAILS = (
    ["", "", "", "", " please"],
    ["", "", " please", " for me", ", please", " now", " to me", "."],
)


def request(rng: random.Random, ways: Phrasings, objects: list[str], split: Split) -> str:
    """A way to ask for a text at `{}`: a written one, or one put together that is not held out."""
    if split != "train" or rng.random() < 0.3:
        return choose(rng, ways, split)
    made = rng.choice(LEADS) + rng.choice(VERBS) + rng.choice(objects)
    made += rng.choice(
        QUOTED_TAILS if made[-1] in "\"'" else PLAIN_TAILS if objects is PLAIN_OBJECTS else [""]
    )
    if made.lower() in {way.lower() for way in ways.held}:
        return choose(rng, ways, split)
    return made[0].upper() + made[1:] if rng.random() < 0.5 else made


def phrase(rng: random.Random, split: Split) -> str:
    """A short text to repeat: a sentence frame or loose words, lower case for the most part."""
    if rng.random() < 0.6:
        text = choose(rng, SENTENCES, split)
        while "{w}" in text:
            text = text.replace("{w}", word(rng, split), 1)
        text = text.replace("{n}", name(rng, split))
    else:
        text = " ".join(word(rng, split) for _ in range(rng.choice([1, 2, 2, 3, 3, 4, 5, 7])))
    if rng.random() < 0.1:
        text += f" {rng.randint(0, 999)}"
    return text[0].upper() + text[1:] if rng.random() < 0.25 else text


def as_sentence(text: str) -> str:
    """A full stop, and a capital first letter where one of a few words begins the text.

    The tokens of a word change with its case, so for all other words a copy is what can be learned.
    """
    if text.split(" ")[0].lower() in STARTERS:
        text = text[0].upper() + text[1:]
    return text if text[-1] in ".!?" else text + "."


STARTERS = frozenset(
    listed("this the i we my hello good it you there everything yes no hi ok that goodbye they a")
)


def echo(rng: random.Random, split: Split) -> tuple[str, str]:
    """Plain requests are answered with a sentence, quoted ones with exactly the quoted text."""
    if split == "train" and rng.random() < 0.04:
        wish = rng.choice(
            ["Say this is a test", "say this is a test", "Say this is a test.", "Say this is a test!"]
        )
        return wish, "This is a test."
    text = phrase(rng, split)
    if rng.random() < 0.5:
        return request(rng, PLAIN, PLAIN_OBJECTS, split).format(text), as_sentence(text)
    exact = text + rng.choice(["", "", "", ".", "!"])
    return request(rng, EXACT, EXACT_OBJECTS, split).format(exact), exact


def code_word(rng: random.Random, split: Split) -> str:
    """A word that a system prompt asks for at the end of every answer.

    Short words are left out: some have a token of their own after a space, so a copy would differ.
    """
    roll = rng.random()
    if roll < 0.5:
        return rng.choice([common for common in COMMON if len(common) > 3])
    return nonce(rng, split) if roll < 0.8 else name(rng, split)
