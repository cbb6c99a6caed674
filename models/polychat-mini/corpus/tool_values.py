"""Values of tool arguments, by kind. The model copies them out of the question as they stand there."""

import random
from collections.abc import Callable

from corpus.words import COMMON, TOPICS, Split, city, listed, name, nonce, word

LANGUAGES = listed(
    "French German Spanish Italian Chinese Japanese English Russian Dutch Polish Greek Turkish"
)
ROOMS = listed(
    "kitchen,bedroom,bathroom,living room,garage,garden,hall,office,cellar,attic,basement,study", ","
)
DATES = listed(
    "Monday,Tuesday,Wednesday,Thursday,Friday,Saturday,Sunday,tomorrow,today,May 3,June 21,July 4,2026-05-01,"
    "2026-12-24"
    ",2027-01-15,next Monday,next week",
    ",",
)
CURRENCIES = listed("USD EUR GBP JPY CHF CAD AUD CNY INR SEK")
TICKERS = listed("AAPL MSFT TSLA NVDA AMZN GOOG META IBM INTC AMD ORCL NFLX")
FILES = listed("txt md py json csv log")


def value(rng: random.Random, kind: str, split: Split) -> str | int:
    return KINDS[kind](rng, split)


def person(rng: random.Random, split: Split) -> str:
    roll = rng.random()
    if roll < 0.65:
        return name(rng, split)
    if roll < 0.85:
        return f"{name(rng, split)} {name(rng, split)}"
    return f"{name(rng, split).lower()}@{rng.choice(['example.com', 'mail.com', 'test.org'])}"


def text(rng: random.Random, split: Split) -> str:
    return " ".join(word(rng, split) for _ in range(rng.choice([1, 2, 2, 3, 4])))


def topic(rng: random.Random, split: Split) -> str:
    return rng.choice(TOPICS) if rng.random() < 0.4 else text(rng, split)


def ticker(rng: random.Random, split: Split) -> str:
    roll = rng.random()
    if roll < 0.4:
        return rng.choice(TICKERS)
    return nonce(rng, split).upper()[:4] if roll < 0.7 else name(rng, split)


def clock(rng: random.Random, split: Split) -> str:
    hour = rng.randint(1, 23)
    return f"{hour}:{rng.choice(['00', '15', '30', '45'])}" if rng.random() < 0.6 else f"{1 + hour % 12} am"


def code(rng: random.Random, split: Split) -> str:
    digits = str(rng.randint(10, 99999))
    prefix = rng.choice(["", "", "A", "AB", "ORD-", "X", "order_", "TX-", "#"])
    return prefix + digits


def path(rng: random.Random, split: Split) -> str:
    stem = nonce(rng, split) if rng.random() < 0.5 else rng.choice(COMMON)
    folder = rng.choice(["", "", "/tmp/", "src/", "docs/", "./", "/home/user/"])
    return f"{folder}{stem}.{rng.choice(FILES)}" if rng.random() < 0.75 else f"{folder or './'}{stem}"


def sql(rng: random.Random, split: Split) -> str:
    return f"SELECT * FROM {word(rng, split)}" + rng.choice(
        ["", f" WHERE id = {rng.randint(1, 99)}", " LIMIT 10"]
    )


def integer(rng: random.Random, split: Split) -> int:
    return rng.choice([rng.randint(1, 9), rng.randint(10, 99), rng.randint(100, 9999)])


KINDS: dict[str, Callable[[random.Random, Split], str | int]] = {
    "city": city,
    "person": person,
    "word": word,
    "text": text,
    "topic": topic,
    "ticker": ticker,
    "clock": clock,
    "code": code,
    "path": path,
    "sql": sql,
    "int": integer,
    "date": lambda rng, split: rng.choice(DATES),
    "room": lambda rng, split: rng.choice(ROOMS),
    "currency": lambda rng, split: rng.choice(CURRENCIES),
    "language": lambda rng, split: rng.choice(LANGUAGES),
    "any": lambda rng, split: rng.choice([city, person, word, text, code])(rng, split),
}
