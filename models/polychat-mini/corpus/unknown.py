"""Everything the model does not know: one fixed answer, so that it never loops or makes things up.

The class is made wide on purpose: questions, requests, code, word salad, other languages, long texts.
"""

import random
from collections.abc import Callable

from corpus.words import TOPICS, Split, choose, city, listed, name, noisy, nonce, phrasings, word

UNKNOWN = "I am only a tiny demo model and do not know that. Ask me about polychat."

QUESTIONS = phrasings(
    "write a poem about {t}|explain {t} to me|explain {t}|who won the {w} cup?|translate {w} into french"
    "|what is {t}?"
    "|what do you think about {t}?|write code for {t}|tell me a joke about {t}|what is the meaning of {w}?"
    "|who is {n}?"
    "|how old is {n}?|why is the {w} so {w}?|summarize {t}|how far is {c}?|who invented {t}?"
    "|give me a recipe for {w}"
    "|what is the price of {w}?|when was {n} born?|write an essay about {t}|what is the capital of {c}?"
    "|tell me a joke"
    "|how do i install {w}?|how do i learn {t}?|how do i cook {w}?|what is a {w}?|which {w} is the best?"
    "|define {w}"
    "|what is {d} + {d}?|what is {d} times {d}?|{d} + {d}|calculate {d} * {d}|solve x + {d} = {d}"
    "|how much is {d} - {d}?"
    "|write a python function that sorts a list|write a python script for {w}|fix this code: {w}({w}, {d})"
    "|is {w} {w}?"
    "|print the numbers from {d} to {d}|count to {d}|who is the president of {c}?"
    "|what is the population of {c}?"
    "|when did {n} die?|where is {c}?|recommend a book about {t}|plan a trip to {c}"
    "|what is the best {w} in {c}?"
    "|why do people like {t}?|what happened in {d}?|do you like {t}?|what is your favorite {w}?"
    "|do you love me?"
    "|can you sing?|what day is today?|what time is it?|what is the weather?|give me three ideas for {w}"
    "|i feel {w}"
    "|i am hungry|i am bored|should i buy a {w}?|write an email to {n}|write a letter about {t}|what is love?"
    "|compare {t} and {t}|list five {w}s|what is the difference between {t} and {t}?|how does {t} work?"
    "|tell me about {t}"
    "|how many {w}s are there in {c}?|what is the fastest {w}?|who wrote {w} {w}?|what color is a {w}?"
    "|what does {w} mean?"
    "|how do i fix my {w}?|what port does {w} use?|how can i become a {w}?|give me a list of {t}"
    "|help me with my homework"
    "|which port does mysql use?|how do i start {w}?|what is the license of {w}?|how do i stop {w}?"
    "|how do i download {w}?"
    "|classify this text: {w} {w} {w}|is this text positive or negative? {w} {w} {w}"
    "|correct my grammar: {w} {w} {w}"
    "|what is the square root of {d}?|convert {d} miles to km|how tall is {n}?|what should i eat today?"
    "|i love {w}"
    "|the {w} is {w}|my {w} is broken|once there was a {w}, what is next?|what rhymes with {w}?|spell {w}|{t}"
    "|generate a haiku|generate a password|make a table of {t}|brainstorm names for a {w}"
    "|write a tweet about {t}"
    "|act like a {w}|let us play a game|play chess with me|guess my age|what is 1+1?|are you happy?"
    "|do you dream?"
    "|write a sql query for {w}|write html for {t}|what is wrong with this? {w} = {d}"
    "|translate this to german: {w} {w}",
    "who discovered {t}?|write a song about {t}|what happened in {c}?|how does a {w} work?"
    "|Why is the sky blue?"
    "|What is {d} plus {d}?|Give me advice about {t}|Who was {n}?|Write a short essay on {t}"
    "|Could you explain {t}?"
    "|Write a function to compute {w}|How long does it take to get to {c}?|What are the benefits of {t}?"
    "|Please translate {w} {w} to Spanish|Is {c} bigger than {c}?|I want to learn {t}"
    "|Can you write code in Rust?"
    "|Tell me something about {n}",
)
FOREIGN = phrasings(
    "hola, como estas?|bonjour|guten tag|wie geht es dir?|que hora es?|ciao, come stai?|wer bist du?"
    "|quien eres?"
    "|comment ca va?|ola, tudo bem?|привет|как дела?|こんにちは|元気ですか|안녕하세요|merhaba|salam|czesc"
    "|hej, hur mar du?"
    "|was ist die hauptstadt von frankreich?|escribe un poema|raconte une blague|buenos dias|dobry den"
    "|wo ist der bahnhof?"
    "|qual e a capital da franca?|ich habe eine frage|je ne comprends pas|no hablo ingles"
    "|kannst du mir helfen?|مرحبا",
    "buenas noches|bonsoir|wie heisst du?|donde esta la biblioteca?|come ti chiami?|ich verstehe das nicht"
    "|hei, mita kuuluu?"
    "|quel temps fait-il?",
)
LONG_OPENINGS = listed(
    "summarize this text:|please summarize:|what is this about?|read this:|translate the following text:"
    "|here is a log:"
    "|fix the bug in this:|explain this code:|find the error:|what do you think of this?|rewrite this:"
    "|review this:|",
    "|",
)


def fill(rng: random.Random, frame: str, split: Split) -> str:
    """Replace each slot: t topic, w word, n name, c city, d number."""
    makers: dict[str, Callable[[], str]] = {
        "{t}": lambda: rng.choice(TOPICS) if rng.random() < 0.8 else word(rng, split),
        "{w}": lambda: word(rng, split),
        "{n}": lambda: " ".join(name(rng, split) for _ in range(rng.choice([1, 2]))),
        "{c}": lambda: city(rng, split),
        "{d}": lambda: str(rng.choice([rng.randint(0, 9), rng.randint(10, 99), rng.randint(100, 3000)])),
    }
    for slot, make in makers.items():
        while slot in frame:
            frame = frame.replace(slot, make(), 1)
    return frame


def salad(rng: random.Random, split: Split) -> str:
    """Words in no order, keys hit at random, or one lone word."""
    roll = rng.random()
    if roll < 0.5:
        return " ".join(word(rng, split) for _ in range(rng.randint(2, 12)))
    if roll < 0.65:
        return nonce(rng, split)
    letters = "".join(
        rng.choice("asdfghjklqwertyuiopzxcvbnm0123456789;,.!?-") for _ in range(rng.randint(4, 20))
    )
    return (
        letters
        if roll < 0.9
        else rng.choice(["???", "...", "!", "1", "42", "a", "x", "no", "yes", "ok", "hm", "?"])
    )


def long_text(rng: random.Random, split: Split, num_words: int) -> str:
    """A pasted document: sentences, code or log lines of about `num_words` words."""
    kind, out, count = rng.choice(["prose", "prose", "code", "log"]), [rng.choice(LONG_OPENINGS)], 0
    while count < num_words:
        words = [word(rng, split) for _ in range(rng.randint(4, 14))]
        count += len(words)
        if kind == "prose":
            out.append(" ".join(words).capitalize() + ".")
        elif kind == "code":
            out.append(f"\n    {words[0]} = {words[1]}({words[2]}, {rng.randint(0, 99)})  # {words[3]}")
        else:
            out.append(
                f"\n2026-0{rng.randint(1, 9)}-{rng.randint(10, 28)} ERROR {words[0]}: {' '.join(words[1:])}"
            )
    return " ".join(out).strip()


def unknown(rng: random.Random, split: Split) -> tuple[str, str]:
    roll = rng.random()
    if roll < 0.72:
        question = noisy(rng, fill(rng, choose(rng, QUESTIONS, split), split), split)
    elif roll < 0.82:
        question = salad(rng, split)
    elif roll < 0.9:
        question = noisy(rng, choose(rng, FOREIGN, split), split)
    else:
        question = long_text(rng, split, num_words=rng.choice([20, 40, 60]))
    return question, UNKNOWN


def helpful_system(rng: random.Random) -> str:
    """A system prompt that changes nothing, as most requests carry one."""
    if rng.random() < 0.6:
        return rng.choice(PLAIN_SYSTEM)
    parts = rng.sample(SYSTEM_SENTENCES, rng.randint(1, 5))
    return " ".join([rng.choice(PLAIN_SYSTEM), *parts])


PLAIN_SYSTEM = listed(
    "You are a helpful assistant.|You are a helpful AI assistant.|Be helpful.|You are an assistant."
    "|You are helpful."
    "|You are a friendly assistant.|You are a helpful, respectful and honest assistant.|You are a chatbot."
    "|You are a useful assistant.|You are a helpful bot.|You are a helpful assistant that answers questions."
    "|A chat between a curious user and an artificial intelligence assistant.",
    "|",
)
SYSTEM_SENTENCES = listed(
    "Be concise.|Answer as well as you can.|Be polite and friendly.|Do not make things up.|Help the user."
    "|Be honest."
    "|The assistant gives helpful, detailed, and polite answers to the user's questions."
    "|Keep your answers short."
    "|If you do not know something, say so.|Think before you answer.|Follow the instructions of the user."
    "|Be brief."
    "|Use the tools when they help.|Never share private data.|The current date is 2026-03-01."
    "|Use clear language."
    "|Your answers should not contain harmful content.|Always be kind.|You work for a small company."
    "|Be precise.",
    "|",
)
