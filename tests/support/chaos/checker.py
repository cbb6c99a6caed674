"""What must hold of every request, whatever was done to the site. Pure.

Each request ends in exactly one of: answered as if nothing had happened; refused with a reason; failed with a
reason. The last two, and lost connections, need an excuse: something that was done to the site at that time.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.support.chaos.asks import ECHO, Api, Ask, Key, Question
from tests.support.chaos.history import End, Outages, Trace, Verb
from tests.support.chaos.reading import Reading

KNOWN_ERRORS = frozenset(
    {
        "no_replica_available",
        "overloaded",
        "database_unavailable",
        "replica_error",
        "replica_timeout",
        "replica_unavailable",
        "rate_limit_exceeded",
        "insufficient_quota",
        "api_error",  # from here on Anthropic's
        "overloaded_error",
        "rate_limit_error",
        "timeout_error",
        "server_error",  # of the Responses API
    }
)
LIMITS = frozenset({"rate_limit_exceeded", "rate_limit_error", "insufficient_quota"})
BEFORE_S = 1.0  # something done this long before a request still explains what became of it
STARTS_WITHIN_S = 5.0  # a gateway
_ENDINGS = {Api.RESPONSES: "completed", Api.MESSAGES: "end_turn"}


@dataclass(frozen=True, slots=True)
class Expected:
    """What an undisturbed site answers to one question."""

    text: str
    finish: str
    prompt_tokens: int | None
    completion_tokens: int | None


@dataclass(frozen=True, slots=True)
class Violation:
    """One request that ended as none may."""

    trace: Trace
    rule: str

    def shown(self) -> str:
        return f"VIOLATION: {self.rule}\n{self.trace.shown()}"


class Checker:
    """Judges traces, once it is known what was done while they ran."""

    def __init__(self, outages: Outages, undisturbed: Mapping[Question, Expected]) -> None:
        self._outages = outages
        self._undisturbed = undisturbed

    def rule_broken(self, trace: Trace, reading: Reading) -> str:
        """The rule that the request broke, "" if it ended well. `reading`: of its body."""
        match trace.end:
            case End.LEFT:
                return ""
            case End.NOT_BEGUN:
                return self._unless_gateways_were_away(trace)
            case End.LATE:
                return "has no end: its client's patience was over"
            case End.DROPPED:
                return self._unless_gateway_died(trace)
            case End.WHOLE:
                return self._of_whole(trace, reading)

    def expected(self, ask: Ask) -> Expected:
        """What an undisturbed site answers."""
        if ask.model != ECHO:
            return self._undisturbed[ask.question]
        count = ask.num_echo_tokens
        if ask.api is Api.EMBEDDINGS:
            return Expected("64 numbers", "stop", count, None)
        return Expected(ask.text, _ENDINGS.get(ask.api, "stop"), count, count)

    def _of_whole(self, trace: Trace, reading: Reading) -> str:
        if reading.problems:
            return "; ".join(reading.problems)
        is_stream = trace.status == 200 and trace.ask.stream
        if is_stream and reading.ends != 1:
            return f"the stream has {reading.ends} ends"
        if trace.status == 200 and not reading.error:
            return self._of_answer(trace, reading)
        if reading.error not in KNOWN_ERRORS:
            return f"an error that nobody knows: {trace.status} {reading.error}: {reading.message}"
        return self._unless_excused(trace, reading)

    def _of_answer(self, trace: Trace, reading: Reading) -> str:
        expected = self.expected(trace.ask)
        if reading.text != expected.text:
            return f"another answer than undisturbed: {reading.text[:300]!r}, not {expected.text[:300]!r}"
        if reading.finish != expected.finish:
            return f"finishes with {reading.finish!r}, not {expected.finish!r}"
        if reading.prompt_tokens is None and self._has_lost_its_counts(trace):
            return ""
        counts = (reading.prompt_tokens, reading.completion_tokens)
        if counts != (expected.prompt_tokens, expected.completion_tokens):
            return f"counts {counts} tokens, not {(expected.prompt_tokens, expected.completion_tokens)}"
        return ""

    def _has_lost_its_counts(self, trace: Trace) -> bool:
        """A replica that dies between the last word and the token counts takes them with it."""
        is_struck = self._outages.num_struck(trace.ask.model, trace.begun_s - BEFORE_S, trace.ended_s) > 0
        return trace.ask.stream and is_struck

    def _unless_excused(self, trace: Trace, reading: Reading) -> str:
        """An error is in order while there was nobody who could have answered, or a limit was reached."""
        if reading.error in LIMITS:
            return "" if trace.ask.key is Key.TINY else "refused for a limit that its key has not"
        what = f"{trace.status} {reading.error}: {reading.message}"
        from_s, until_s = trace.begun_s - BEFORE_S, trace.ended_s
        if self._outages.left_nobody(trace.ask.model, from_s, until_s):
            return ""
        if self._outages.num_struck(trace.ask.model, from_s, until_s) > 1:
            return ""  # two deaths are as many as one request may see
        if reading.error == "database_unavailable" and self._knows_no_keys(trace):
            return ""
        if any(each.verb is Verb.TERM for each in self._outages.of(trace.gateway, from_s, until_s)):
            return "" if "shutting down" in reading.message else f"failed at a draining gateway: {what}"
        return f"failed although a replica was well: {what}"

    def _knows_no_keys(self, trace: Trace) -> bool:
        """Whether its gateway has started while the database was away, and knows none of its keys."""
        from_s = trace.begun_s - STARTS_WITHIN_S
        database = self._outages.of("database", from_s, trace.ended_s)
        gateway = self._outages.of(trace.gateway, from_s, trace.ended_s)
        return bool(database) and any(each.verb in (Verb.KILL, Verb.TERM) for each in gateway)

    def _unless_gateway_died(self, trace: Trace) -> str:
        struck = self._outages.of(trace.gateway, trace.begun_s - BEFORE_S, trace.ended_s)
        if any(each.verb is Verb.KILL for each in struck):
            return ""
        return "the connection was lost although its gateway was not killed"

    def _unless_gateways_were_away(self, trace: Trace) -> str:
        for name in trace.refusals:
            if not self._outages.of(name, trace.begun_s - BEFORE_S, trace.ended_s):
                return f"was not let in by {name}, which was well"
        return ""
