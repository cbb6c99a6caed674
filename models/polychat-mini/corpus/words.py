"""Words, names and how they are split: what evaluation uses was never seen in training.

train  what the model learns from
dev    steers the training (skill weights)
test   only `evaluate.py` draws from it

Invented words are split by a hash, real names and cities by list, phrasings by `Phrasings`.
Common words are shared by all splits.
"""

import random
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Split = Literal["train", "dev", "test"]


def listed(text: str, separator: str = " ") -> list[str]:
    """The parts of a long list written as one string."""
    return text.split(separator)


ONSETS = listed("b c d f g h j k l m n p r s t v w z br dr gr kr tr sh th ch st bl fl pr")
VOWELS = listed("a e i o u a e i o ai ea oo")
CODAS = ["", "", "", "n", "r", "l", "s", "m", "k", "x", "th", "t"]

NAMES: dict[Split, list[str]] = {
    "train": listed(
        "Alice Bob Carol David Emma Frank Grace Henry Julia Kevin Laura Martin Nina Oscar Paul Rosa Sarah "
        "Thomas Victor Wendy Anna Ben Clara Daniel Ella Felix Hannah Jack Kate Leo Maria Noah Olivia Peter "
        "Sam Tom Lucy Max Mia Adam Eva Ivan John Mary Ada Alan Alex Ali Aisha Amir Ana Andrea Anton Arjun "
        "Astrid Aurora Bella Bruno Camila Carlos Chen Chloe Chris Claire Dana Deepa Diego Elena Elias Elif "
        "Emil Enzo Erik Esther Farah Fernando Fiona Francesca Gabriel George Georgia Hana Harry Hassan Hugo "
        "Ian Ibrahim Ines Irene Isabel Jakob Jamal James Jane Javier Jin Joao Jonas Jose Joseph Juan Kai "
        "Karim Karl Kenji Khalid Kim Lars Layla Leila Lena Liam Lin Linda Lisa Lorenzo Louis Luca Luis Maja "
        "Marco Margaret Marie Marta Mateo Matt Maya Mei Michael Miguel Mike Milan Mohammed Monica Nadia "
        "Naomi Nikita Nora Omar Pablo Pedro Petra Philip Pierre Rachel Rafael Raj Ravi Rita Robert Robin "
        "Ryan Sakura Sandra Santiago Sasha Sebastian Simon Sofia Stefan Steve Susan Tariq Teresa Theo Tim "
        "Tomas Ursula Vera Vikram Walter Wei William Yara Yuki Zara Zoe"
    ),
    "dev": listed(
        "Ingrid Hiroshi Gustavo Dmitri Beatrix Mirela Thorsten Linnea Svetlana Xavier Chidi Rohan Freya "
        "Nikolai"
        " Paloma Tobias Amara Declan"
    ),
    "test": listed(
        "Zoltan Priya Fatima Siobhan Yusuf Ronaldo Oksana Kwame Quentin Ulrich Xochitl Bartholomew Akira "
        "Ngozi Matilda Cormac Anneliese Giovanni"
    ),
}
CITIES: dict[Split, list[str]] = {
    "train": listed(
        "Paris,London,Berlin,Rome,Madrid,Tokyo,New York,Boston,San Francisco,Chicago,Los Angeles,Seattle,"
        "Vienna,Prague,Dublin,Athens,Oslo,Moscow,Cairo,Delhi,Mumbai,Beijing,Shanghai,Sydney,Toronto,Lima,"
        "Amsterdam,Brussels,Budapest,Copenhagen,Dallas,Denver,Dubai,Geneva,Hamburg,Hanoi,Helsinki,Hong Kong,"
        "Houston,Istanbul,Jakarta,Kyiv,Lagos,Lisbon,Lyon,Manila,Mexico City,Miami,Milan,Munich,Nairobi,"
        "Naples,Philadelphia,Rio de Janeiro,Santiago,Singapore,Stockholm,Taipei,Tehran,Turin,Venice,Warsaw,"
        "Washington,Zurich,Paris France,Boston MA,Austin,Bangkok,Barcelona,Bogota",
        ",",
    ),
    "dev": listed("Osaka,Zagreb,Marseille,Porto,Nashville,Kyoto,Gothenburg,Tunis,Santa Cruz,Quito", ","),
    "test": listed(
        "Graz,Reykjavik,Casablanca,Valencia,Sapporo,Montevideo,Tallinn,Krakow,Salt Lake City,Cape Town,"
        "Buenos Aires,Edinburgh",
        ",",
    ),
}
COMMON = listed(
    "blue red green small big happy sad old new fast slow warm cold bright dark quiet loud soft hard sweet "
    "river mountain tree flower bird cat dog horse fish bear house door window table chair book paper letter "
    "music song dance garden forest ocean beach island bridge road city village market school teacher "
    "student "
    "doctor farmer baker king queen castle dragon star moon sun cloud rain snow wind fire water stone gold "
    "silver apple banana orange lemon bread cheese butter coffee tea milk sugar salt pepper morning evening "
    "night summer winter spring autumn monday friday today tomorrow always never often very really jumps "
    "runs "
    "walks sings sleeps eats drinks reads writes opens closes finds gives takes makes loves likes wants "
    "needs "
    "knows sees hears the a my your our this that these those is are was were and or but with without under "
    "over near behind for from to in on at we you they he she it can will must should good great fine nice "
    "lovely simple test check server model machine computer network cable keyboard screen button signal "
    "engine rocket planet space time clock minute hour day week month year hello world please friend "
    "brother sister mother father child people party dinner lunch breakfast kitchen pizza soup rice train "
    "plane boat bike bus car ticket travel hotel museum camera picture color number seven three nine hundred"
)
TOPICS = listed(
    "football,tennis,the stock market,quantum physics,black holes,cooking,dinosaurs,the roman empire,"
    "democracy,"
    "photosynthesis,chess,jazz,the moon landing,bitcoin,climate change,gravity,evolution,love,happiness,"
    "the second world war,shakespeare,mount everest,the pacific ocean,tigers,sharks,volcanoes,robots,"
    "neural networks,machine learning,docker,kubernetes,nginx,redis,postgres,mysql,git,linux,windows,java,"
    "javascript,rust,html,css,regex,a binary tree,a linked list,recursion,a database,an algorithm,a compiler,"
    "taxes,a mortgage,insurance,vitamins,sleep,coffee,chocolate cake,sushi,pasta,yoga,marathon training,"
    "the french revolution,napoleon,einstein,mozart,picasso,the eiffel tower,the great wall,egypt,india,"
    "brazil,"
    "germany,canada,the president,the king of spain,elections,the olympics,the world cup,poetry,philosophy,"
    "ethics,mathematics,calculus,algebra,prime numbers,pi,statistics,chemistry,water,iron,oxygen,dna,viruses,"
    "cancer,the heart,the brain,cats,dogs,horses,birds,bees,roses,trees,the sun,mars,stars,time travel,"
    "aliens,"
    "ghosts,dreams,movies,star wars,harry potter,guitars,pianos,cars,trains,planes,bicycles,space,email,"
    "a resume,a cover letter,a birthday party,a wedding,my boss,my holiday,london,paris,tokyo,new york",
    ",",
)


@dataclass(frozen=True, slots=True)
class Phrasings:
    """Ways to say one thing. The held-out ones alternate between dev and test."""

    train: tuple[str, ...]
    held: tuple[str, ...]

    def of(self, split: Split) -> tuple[str, ...]:
        if split == "train":
            return self.train
        return self.held[0 if split == "dev" else 1 :: 2]


def phrasings(train: str, held: str) -> Phrasings:
    """Both lists written as one string each, parts separated by `|`."""
    return Phrasings(tuple(train.split("|")), tuple(held.split("|")))


def split_of(word: str) -> Split:
    """The one split in which an invented word may appear, whatever its case."""
    bucket = zlib.crc32(word.lower().encode()) % 10
    return "dev" if bucket == 0 else "test" if bucket == 1 else "train"


def nonce(rng: random.Random, split: Split) -> str:
    """An invented, pronounceable lower-case word of 3 to 10 letters."""
    while True:
        syllables = rng.choice([1, 2, 2, 2, 3])
        word = "".join(rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(CODAS) for _ in range(syllables))
        if 3 <= len(word) <= 10 and split_of(word) == split:
            return word


def name(rng: random.Random, split: Split) -> str:
    """A first name; half of them invented, so that the model copies instead of remembering."""
    return rng.choice(NAMES[split]) if rng.random() < 0.5 else nonce(rng, split).capitalize()


def city(rng: random.Random, split: Split) -> str:
    return rng.choice(CITIES[split]) if rng.random() < 0.6 else nonce(rng, split).capitalize()


def word(rng: random.Random, split: Split) -> str:
    return nonce(rng, split) if rng.random() < 0.3 else rng.choice(COMMON)


def choose(rng: random.Random, ways: Phrasings, split: Split) -> str:
    return rng.choice(ways.of(split))


def noisy(rng: random.Random, question: str, split: Split) -> str:
    """`question` as hurried people type it. Held-out questions stay as they were written."""
    if split != "train" or not question:
        return question
    roll = rng.random()
    if roll < 0.3:
        question = question.lower()
    elif roll < 0.6:
        question = question[0].upper() + question[1:]
    if rng.random() < 0.3:
        question = question.rstrip("?.!")
    if rng.random() < 0.08:
        question = shorter(rng, question)
    return typo(rng, question) if rng.random() < 0.06 else question


def shorter(rng: random.Random, question: str) -> str:
    """Leave out one small word."""
    parts = question.split(" ")
    spots = [i for i, part in enumerate(parts) if part.lower() in SMALL]
    if spots and len(parts) > 3:
        del parts[rng.choice(spots)]
    return " ".join(parts) or question


SMALL = frozenset(listed("a an the do i is to of does can please it in with my"))


def typo(rng: random.Random, question: str) -> str:
    """Swap or drop one inner letter of one longer word."""
    parts = question.split(" ")
    spots: Sequence[int] = [i for i, part in enumerate(parts) if len(part) >= 5 and part.isalpha()]
    if not spots:
        return question
    index = rng.choice(spots)
    part, at = parts[index], rng.randrange(1, len(parts[index]) - 2)
    middle = part[at + 1] + part[at] if rng.random() < 0.6 else part[at]
    parts[index] = part[:at] + middle + part[at + 2 :]
    return " ".join(parts)
