"""What the clients of a chaos run ask: a seeded mix of routes, lengths and manners."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

ECHO, MINI = "echo", "polychat-mini"
QUESTIONS = (  # some are answered at length, so that there is a middle of the stream
    "Hello!",
    "你是谁？",
    "What is polychat?",
    "Write a long story.",
    "Tell me a story.",
    "Tell me a long story about a dog.",
)
UNFINISHED = "Repeat after me: one two three four five six seven eight nine ten eleven twelve"


class Api(StrEnum):
    """The routes that are asked."""

    CHAT = "/v1/chat/completions"
    COMPLETIONS = "/v1/completions"
    RESPONSES = "/v1/responses"
    MESSAGES = "/v1/messages"
    EMBEDDINGS = "/v1/embeddings"


class Manner(StrEnum):
    """How a client behaves."""

    PATIENT = "patient"
    LEAVES = "leaves"  # in the middle of the answer
    SLOW = "slow"  # reads a little at a time


class Key(StrEnum):
    """Whose key is shown."""

    MAIN = "main"
    SECOND = "second"
    TINY = "tiny"  # has limits that it soon reaches
    LEAVER = "leaver"  # of clients that leave, so that the others' books are exact


Question = tuple[Api, str]


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, and what must come back."""

    number: int
    api: Api
    model: str
    text: str
    stream: bool
    key: Key = Key.MAIN
    manner: Manner = Manner.PATIENT
    max_tokens: int = 300

    @property
    def question(self) -> "Question":
        """What an undisturbed answer depends on."""
        return self.api, self.text

    @property
    def num_echo_tokens(self) -> int:
        """Of the prompt; and of the answer where it is the echo of all of it."""
        return len(self.text.split())

    def body(self) -> bytes:
        fields: dict[str, object] = {"model": self.model}
        if self.api is Api.EMBEDDINGS:
            return json.dumps(fields | {"input": self.text}).encode()
        fields |= {"stream": self.stream, "temperature": 0} | self._prompt() | self._usage()
        return json.dumps(fields).encode()

    def _prompt(self) -> dict[str, object]:
        match self.api:
            case Api.COMPLETIONS:
                return {"prompt": self.text, "max_tokens": self.max_tokens}
            case Api.RESPONSES:
                return {"input": self.text, "max_output_tokens": self.max_tokens, "store": False}
            case _:
                messages = [{"role": "user", "content": self.text}]
                return {"messages": messages, "max_tokens": self.max_tokens}

    def _usage(self) -> dict[str, object]:
        is_openai = self.api in (Api.CHAT, Api.COMPLETIONS)
        return {"stream_options": {"include_usage": True}} if self.stream and is_openai else {}


class Mix:
    """An endless, seeded sequence of asks."""

    def __init__(self, seed: int, *, share_mini: float = 0.06) -> None:
        self._chance = random.Random(f"asks {seed}")
        self._share_mini = share_mini

    def __iter__(self) -> Iterator[Ask]:
        number = 0
        while True:
            number += 1
            yield self._mini(number) if self._chance.random() < self._share_mini else self._echo(number)

    def _echo(self, number: int) -> Ask:
        chance = self._chance
        api = chance.choices(list(Api), weights=(6, 2, 1, 1, 1))[0]
        manner = chance.choices(list(Manner), weights=(90, 8, 2))[0]
        # The rest of a completion is asked for with the prompt and the text so far, and all of it would come
        # back from the echo: its completions do not stream.
        may_stream = api not in (Api.EMBEDDINGS, Api.COMPLETIONS)
        stream = may_stream and (manner is not Manner.PATIENT or chance.random() < 0.6)
        if not stream:
            manner = Manner.PATIENT
        return Ask(number, api, ECHO, _words(number, manner, chance), stream, self._key(manner), manner)

    def _mini(self, number: int) -> Ask:
        api = self._chance.choices([Api.CHAT, Api.COMPLETIONS, Api.RESPONSES, Api.MESSAGES], (5, 3, 1, 1))[0]
        text = UNFINISHED if api is Api.COMPLETIONS else self._chance.choice(QUESTIONS)
        return Ask(number, api, MINI, text, self._chance.random() < 0.8)

    def _key(self, manner: Manner) -> Key:
        if manner is Manner.LEAVES:
            return Key.LEAVER
        return self._chance.choices((Key.MAIN, Key.SECOND, Key.TINY), weights=(75, 20, 5))[0]


def questions() -> Iterator[Ask]:
    """Everything that is asked of the built-in model, once."""
    asked = [(api, text) for api in (Api.CHAT, Api.RESPONSES, Api.MESSAGES) for text in QUESTIONS]
    for number, (api, text) in enumerate([*asked, (Api.COMPLETIONS, UNFINISHED)]):
        yield Ask(-number - 1, api, MINI, text, stream=False)


def _words(number: int, manner: Manner, chance: random.Random) -> str:
    count = 25 if manner is not Manner.PATIENT else chance.choice((2, 5, 10, 20, 40))
    padding = "x" * 8000 if manner is Manner.SLOW else ""  # more than the sockets' buffers hold
    return " ".join(f"{number}.{position}{padding}" for position in range(count))
