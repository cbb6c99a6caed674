"""Answers as tokens, cut to what the request allows. Pure functions over a request's JSON.

With `"ignore_eos": true`, which load generators send, the answer is repeated until `max_tokens` are full.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from polychat.engines.echo.messages import Json, conversation
from polychat.engines.echo.said import Said, said
from polychat.engines.echo.tokens import Vocabulary, id_of, tokens_of
from polychat.errors import ContextLengthExceeded, RequestError

_MOST_TOKENS = 4096  # of a chat that sets no limit
_COMPLETION_TOKENS = 16  # the published default


class Kind(Enum):
    REASONING = "reasoning"
    TEXT = "text"
    CALL = "call"  # the name of a called tool
    ARGUMENTS = "arguments"


@dataclass(frozen=True, slots=True)
class Token:
    text: str
    kind: Kind = Kind.TEXT
    call: int = 0  # which of the calls


@dataclass(frozen=True, slots=True)
class Answer:
    prompt: tuple[str, ...]
    tokens: tuple[Token, ...]
    finish_reason: str
    stopped_by: str | None = None  # the stop string that ended it

    def joined(self, kind: Kind, call: int = 0) -> str:
        return "".join(token.text for token in self.tokens if token.kind is kind and token.call == call)

    @property
    def text(self) -> str:
        return self.joined(Kind.TEXT)

    @property
    def num_calls(self) -> int:
        return sum(token.kind is Kind.CALL for token in self.tokens)

    def token(self, step: int) -> Token | None:
        """The token of that step; None when the answer has ended before it."""
        return self.tokens[step] if step < len(self.tokens) else None


@dataclass(frozen=True, slots=True)
class Reader:
    """Answers requests of one model. `context_length` None: no limit."""

    vocabulary: Vocabulary
    context_length: int | None = None

    def chat(self, request: Json) -> Answer:
        """The answer to a chat request.

        Raises:
            RequestError: it cannot be answered.
        """
        talk = conversation(request)
        prompt = [token for turn in talk.turns for token in tokens_of(turn.text)]
        limit = request.get("max_completion_tokens") or request.get("max_tokens")
        return self._answer(request, said(request, talk), prompt, limit or _MOST_TOKENS)

    def completions(self, request: Json) -> list[Answer]:
        """One answer for each prompt of a completion request.

        Raises:
            RequestError: it cannot be answered.
        """
        if request.get("suffix"):
            raise RequestError("The echo engine fills no gaps: 'suffix' is not supported.", param="suffix")
        limit = request.get("max_tokens")
        texts = self.texts(request.get("prompt", ""), param="prompt")
        wanted = _COMPLETION_TOKENS if limit is None else limit
        return [self._answer(request, Said(text), tokens_of(text), wanted) for text in texts]

    def texts(self, given: object, *, param: str) -> list[str]:
        """The texts that `prompt` or `input` holds: one, several, or as token ids."""
        many = given if isinstance(given, list) and given and not isinstance(given[0], int) else [given]
        return [
            self.vocabulary.text(each, param=param) if isinstance(each, list) else str(each) for each in many
        ]

    def _answer(self, request: Json, whole: Said, prompt: Sequence[str], limit: object) -> Answer:
        most = limit if isinstance(limit, int) else _MOST_TOKENS
        is_endless = request.get("ignore_eos") is True
        tokens = list(_tokens(whole, self._biased(request, tokens_of(whole.text))))
        if is_endless and tokens:
            tokens = _repeated(tokens, most)
        self._require_room(request, len(prompt), min(most, len(tokens)))
        reason = "tool_calls" if whole.calls else "stop"
        if len(tokens) > most or is_endless:
            tokens, reason = tokens[:most], "length"
        return _stopped(Answer(tuple(prompt), tuple(tokens), reason), request.get("stop"))

    def _biased(self, request: Json, tokens: list[str]) -> list[str]:
        """A bias of -100 silences a token, one of 100 makes it the only one; others change nothing."""
        given = request.get("logit_bias")
        if not isinstance(given, dict) or not given:
            return tokens
        bias = {int(number): weight for number, weight in given.items() if str(number).isdigit()}
        only = [self.vocabulary.known(number) for number, weight in bias.items() if weight >= 100]
        if only and only[0] is not None:
            return [only[0]] * len(tokens)
        return [token for token in tokens if bias.get(id_of(token), 0) > -100]

    def _require_room(self, request: Json, num_prompt: int, num_answer: int) -> None:
        if self.context_length is not None and num_prompt + num_answer > self.context_length:
            param = "messages" if "messages" in request else "prompt"
            raise _TooLong(self.context_length, num_prompt, num_answer, param)


class _TooLong(ContextLengthExceeded):
    """The published words also count the answer."""

    def __init__(self, most: int, num_prompt: int, num_answer: int, param: str) -> None:
        RequestError.__init__(
            self,
            f"This model's maximum context length is {most} tokens. However, you requested "
            f"{num_prompt + num_answer} tokens ({num_prompt} in the {param}, {num_answer} in the "
            f"completion). Please reduce the length of the {param} or completion.",
            param=param,
        )


def _tokens(whole: Said, text: list[str]) -> list[Token]:
    """All that is said, in the order in which it is said."""
    tokens = [Token(token, Kind.REASONING) for token in tokens_of(whole.reasoning)]
    tokens += [Token(token) for token in text]
    for index, call in enumerate(whole.calls):
        tokens.append(Token(call.name, Kind.CALL, index))
        tokens += [Token(token, Kind.ARGUMENTS, index) for token in tokens_of(call.arguments)]
    return tokens


def _repeated(tokens: list[Token], count: int) -> list[Token]:
    first = tokens[0]
    spaced = first if first.text[:1].isspace() else Token(f" {first.text}", first.kind)
    again = [spaced, *tokens[1:]]
    return [*tokens, *(again * (count // len(tokens) + 1))][:count]


def _stopped(answer: Answer, stop: object) -> Answer:
    """Ended before the first stop string, wherever in the tokens it begins."""
    stops = [stop] if isinstance(stop, str) else stop if isinstance(stop, list) else []
    places = [(answer.text.find(each), each) for each in stops if isinstance(each, str) and each]
    at, word = min((found for found in places if found[0] >= 0), default=(-1, ""))
    if at < 0:
        return answer
    before = [token for token in answer.tokens if token.kind is Kind.REASONING]
    kept = [Token(token) for token in tokens_of(answer.text[:at])]
    return Answer(answer.prompt, (*before, *kept), "stop", word)
