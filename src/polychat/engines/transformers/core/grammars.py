"""What holds a text to a grammar: llguidance's matchers, compiled once for each grammar."""

import threading
from collections import OrderedDict
from collections.abc import Sequence

import torch
from llguidance import LLMatcher, LLTokenizer
from torch import Tensor

from polychat.engines.transformers.job import Grammar, GrammarRefused

_KEPT = 128  # compiled grammars
_BITS = 32  # of one word of a mask


class Matcher:
    """One text on its way through a grammar."""

    def __init__(self, matcher: LLMatcher) -> None:
        self._matcher = matcher
        self.failure = ""  # why it holds the text no longer: a grammar may prove too large on the way

    @property
    def is_complete(self) -> bool:
        """Whether nothing can follow."""
        return bool(self.failure or self._matcher.is_stopped())

    def note(self, token: int) -> None:
        self._matcher.consume_token(token)
        if self._matcher.is_error():
            self.failure = _reason(self._matcher.get_error())

    def mask(self, logits: Tensor) -> None:
        """Ban in one row, in place, every token that the grammar does not allow next."""
        words = torch.full((-(-logits.shape[-1] // _BITS),), 0, dtype=torch.int32)
        known = torch.frombuffer(bytearray(self._matcher.compute_bitmask()), dtype=torch.int32)
        size = min(len(words), len(known))
        words[:size] = known[:size]
        bits = (words[:, None] >> torch.arange(_BITS, dtype=torch.int32)) & 1
        allowed = bits.flatten()[: logits.shape[-1]].bool()
        logits.masked_fill_(~allowed.to(logits.device), float("-inf"))


class Grammars:
    """Compiles grammars for one vocabulary. May be called from any thread; compiling can take a second."""

    def __init__(self, tokenizer: LLTokenizer) -> None:
        self._tokenizer = tokenizer
        self._compiled: OrderedDict[Grammar, LLMatcher] = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def of(cls, vocabulary: str, *, size: int, end_tokens: Sequence[int]) -> "Grammars":
        """`vocabulary` is a fast tokenizer's JSON; `size` is the number of the model's logits."""
        return cls(LLTokenizer(vocabulary, n_vocab=size, eos_token=list(end_tokens)))

    def matcher(self, grammar: Grammar) -> Matcher:
        """A new matcher at the grammar's start.

        Raises:
            GrammarRefused: it cannot be compiled.
        """
        with self._lock:
            known = self._compiled.get(grammar)
        if known is None:
            known = self._compile(grammar)
            self._keep(grammar, known)
        return Matcher(known.deep_copy())

    def _compile(self, grammar: Grammar) -> LLMatcher:
        matcher = LLMatcher(self._tokenizer, _source(grammar), log_level=0)
        if matcher.is_error():
            raise GrammarRefused(_reason(matcher.get_error()))
        return matcher

    def _keep(self, grammar: Grammar, matcher: LLMatcher) -> None:
        with self._lock:
            self._compiled[grammar] = matcher
            if len(self._compiled) > _KEPT:
                self._compiled.popitem(last=False)


def _source(grammar: Grammar) -> str:
    match grammar.kind:
        case "json_schema":
            try:
                return str(LLMatcher.grammar_from_json_schema(grammar.text))
            except ValueError as exc:
                raise GrammarRefused(_reason(str(exc))) from exc
        case "regex":
            return str(LLMatcher.grammar_from_regex(grammar.text))
        case "lark":
            return str(LLMatcher.grammar_from_lark(grammar.text))


def _reason(text: str) -> str:
    """The first line: what follows it shows the parser's own state."""
    return text.strip().partition("\n")[0] or "the grammar is not valid"
