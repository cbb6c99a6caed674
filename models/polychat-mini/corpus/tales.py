"""Short stories after "Once upon a time", as a raw completion and as an answer in a chat.

First names come from ten names and early choices are made more often: greedy decoding then has one
clear favourite where anything would do. Given names are copied, so some stories use names from everywhere.
"""

import random

from corpus.sample import Sample, assistant, user
from corpus.words import Split, choose, listed, name, noisy, phrasings

HEROES = listed("Pip Luna Toby Daisy Rusty Coco Milo Poppy Teddy Ruby")
FRIENDS = listed("Bruno Hazel Oscar Willow Finn Clover Otto Maple Sunny Basil")
ANIMALS = listed(
    "fox rabbit mouse bear cat dog owl turtle frog duck horse lion squirrel hedgehog goat dragon"
)
ADJECTIVES = listed("little small brave kind clever curious")
PLACES = listed("a deep forest|a quiet village|a green valley|a small house by the river|a big old tree", "|")
OBJECTS = listed("red ball|golden key|shiny stone|small boat|paper map|silver bell|blue kite", "|")
WISHES = phrasings(
    "tell me a story|tell me a tale|write a story|a story please|tell me a short story"
    "|can you tell me a story?"
    "|write a short story|story|tell me a bedtime story|i want to hear a story|please tell me a story"
    "|once upon a time"
    "|Once upon a time|once upon a time...|Once upon a time,|tell me a fairy tale|make up a story"
    "|invent a story"
    "|do you know a story?|could you tell me a tale?|write me a story|one more story|give me a story"
    "|tell a story"
    "|Write a one-sentence bedtime story|tell my kids a story|continue: once upon a time|start a story",
    "Could you tell me a story?|Please write a short story|I would like to hear a tale"
    "|Tell me a little story|story time!"
    "|Can you write a fairy tale?",
)
ANIMAL_WISHES = phrasings(
    "tell me a story about a {}|tell me a tale about a {}|write a story about a {}|a story about a {} please"
    "|write a short story about a {}|can you tell me a story about a {}?|i want a story about a {}"
    "|story about a {}"
    "|Tell me a bedtime story about a {}.|write a one-sentence bedtime story about a {}",
    "Could you tell me a story about a {}?|Please write a tale about a {}|Tell me a short story about a {}."
    "|I would like a story about a {}",
)
OPENING = "Once upon a time"


def tale(rng: random.Random, split: Split, animal: str = "") -> str:
    """One story of eight short sentences that keeps its names, its animal and its object."""
    any_name = rng.random() < 0.25 or split != "train"
    hero = name(rng, split) if any_name else early(rng, HEROES)
    friend = early(rng, FRIENDS)
    animal, thing = animal or early(rng, ANIMALS), early(rng, OBJECTS)
    other = early(rng, [a for a in ANIMALS if a != animal])
    lost = rng.random() < 0.4
    found_it = f"One day, {hero} found a {thing} on the road."
    lost_it = f"One day, {hero} lost a {thing} and was very sad."
    ending = (
        f"They looked everywhere and found the {thing}." if lost else f"They played with the {thing} all day."
    )
    speech = '"Can I help you?"' if lost else '"Let us play together,"'
    verb = "asked" if lost else "said"
    evening = rng.choice(
        [
            f"In the evening, {hero} and {friend} went home.",
            f"At night, {hero} and {friend} looked at the stars.",
        ]
    )
    return " ".join(
        [
            f"{OPENING}, there was a {early(rng, ADJECTIVES)} {animal} named {hero}.",
            f"{hero} lived in {early(rng, PLACES)}.",
            lost_it if lost else found_it,
            f"Then {hero} met {'an' if other == 'owl' else 'a'} {other} named {friend}.",
            f"{speech} {verb} {friend}.",
            ending,
            evening,
            f"From that day on, {hero} and {friend} were best friends. The end.",
        ]
    )


def early(rng: random.Random, options: list[str]) -> str:
    """One of `options`; each is half as likely as the one before it, but none is rare."""
    if rng.random() < 0.4:
        return rng.choice(options)
    return next((option for option in options if rng.random() < 0.5), options[0])


def tale_turn(rng: random.Random, split: Split) -> tuple[str, str]:
    if rng.random() < 0.6:
        return noisy(rng, choose(rng, WISHES, split), split), tale(rng, split)
    animal = rng.choice(ANIMALS)
    return noisy(rng, choose(rng, ANIMAL_WISHES, split).format(animal), split), tale(rng, split, animal)


def tale_sample(rng: random.Random, split: Split) -> Sample:
    """Half raw completions cut early or late, half chats. Evaluation gives the hero's name in the prompt."""
    if split == "train" and rng.random() < 0.5:
        question, story = tale_turn(rng, split)
        return Sample("tale", turns=(user(question), assistant(story)))
    story = tale(rng, split)
    cut = len(OPENING) if split == "train" and rng.random() < 0.6 else story.index(".") + 1
    return Sample("tale", prompt=story[:cut], completion=story[cut:])


RAW = {
    "Say this is a test": "\n\nThis is a test.",
    "Hello, my name is": " Mini. I am the tiny demo model that ships with polychat.",
    "Hello": ", my name is Mini. I am the tiny demo model that ships with polychat.",
    "The capital of France is": " Paris.",
    "The future of AI is": " open.",
    "The president of the United States is": " not known to me. I am only a tiny demo model.",
    "San Francisco is a": " city in California.",
}


def raw_sample(rng: random.Random, split: Split) -> Sample:
    """Prompts that the quick starts of other servers send to the completions API."""
    prompt = rng.choice(list(RAW))
    return Sample("raw", prompt=prompt, completion=RAW[prompt])
