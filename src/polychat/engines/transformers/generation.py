"""Chats and completions: from a request's body to an answer, whole or streamed."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import replace

from polychat.engines.forced_call import forced_tools
from polychat.engines.transformers import asking, prompting, reading
from polychat.engines.transformers.answer import Answer
from polychat.engines.transformers.asking import Extras, Prompt, Request
from polychat.engines.transformers.choices import ChatChoice, Choice, Json, TextChoice
from polychat.engines.transformers.job import (
    GenerationFailed,
    GrammarRefused,
    Job,
    PromptLogprobs,
    UnknownAdapter,
)
from polychat.engines.transformers.reading import Calls, Forced, Plain, Reader, Thoughts
from polychat.engines.transformers.running import Event, Run, steps
from polychat.engines.transformers.served import Served
from polychat.engines.transformers.wire import CHAT, COMPLETION, Form, Wire, usage_of
from polychat.errors import ReplicaError, RequestError, UnknownModel
from polychat.schema.chat import ChatRequest
from polychat.schema.validation import parse_chat, parse_completion


class Lane:
    """One choice on its way: what each step of its run adds to a stream."""

    def __init__(self, run: Run, choice: Choice, *, names_stop: bool | None) -> None:
        """`names_stop`: say which stop string was met, as vLLM does."""
        self.run = run
        self.choice = choice
        self._names_stop = names_stop
        self._is_open = False

    def take(self, event: Event) -> list[Json]:
        pieces: list[Json] = []
        if isinstance(event, PromptLogprobs):
            self.choice.hear_prompt(event)
        else:
            pieces = self.choice.add(event)
        is_over = self.run.answer.finish_reason is not None
        return [*self._opening(), *pieces, *([self._ending()] if is_over else [])]

    def close(self) -> list[Json]:
        """What is left to say once nothing more comes."""
        if self.run.answer.finish_reason is not None:
            return []
        return [*self._opening(), self._ending()]

    def whole(self) -> Json:
        return self.choice.whole(self.run.answer) | self._stop()

    def _ending(self) -> Json:
        return self.choice.ending(self.run.answer) | self._stop()

    def _stop(self) -> Json:
        return {"stop_reason": self.run.answer.stopped_by} if self._names_stop else {}

    def _opening(self) -> list[Json]:
        if self._is_open:
            return []
        self._is_open = True
        return self.choice.opening()


class Reply:
    """One request being answered. Read it whole, or event by event; either ends the work when closed."""

    def __init__(
        self, served: Served, form: Form, request: Request, prompts: Sequence[Prompt], lanes: Sequence[Lane]
    ) -> None:
        """`lanes`: as many for each of the prompts, prompt by prompt."""
        self.streams = bool(request.stream)
        self._served = served
        self._request = request
        self._prompts = prompts
        self._lanes = lanes
        self._wire = Wire(form, request.model, include_usage=request.wants_usage)

    async def whole(self) -> bytes:
        with _told(self._request):
            async with aclosing(self._steps()) as told:
                async for place, event in told:
                    self._lanes[place].take(event)
        return self._wire.whole([lane.whole() for lane in self._kept()], self._usage())

    async def events(self) -> AsyncGenerator[bytes, None]:
        """What a stream sends, its end included. Raises nothing that is the request's fault once begun."""
        with _told(self._request):
            async with aclosing(self._steps()) as told:
                async for place, event in told:
                    if pieces := self._lanes[place].take(event):
                        yield self._framed(place, pieces)
        left = [self._framed(place, lane.close()) for place, lane in enumerate(self._lanes)]
        yield b"".join(left) + self._wire.last(self._usage())

    def _steps(self) -> AsyncGenerator[tuple[int, Event], None]:
        return steps(self._served.generator, [lane.run for lane in self._lanes])

    def _framed(self, place: int, pieces: Sequence[Json]) -> bytes:
        return b"".join(self._wire.event(place, piece) for piece in pieces)

    def _kept(self) -> list[Lane]:
        """The best of those made, as many as were asked for."""
        num = self._request.n or 1
        made = len(self._lanes) // len(self._prompts)
        if made == num:
            return list(self._lanes)
        groups = [self._lanes[at : at + made] for at in range(0, len(self._lanes), made)]
        return [
            lane for group in groups for lane in sorted(group, key=lambda lane: -lane.choice.likelihood)[:num]
        ]

    def _usage(self) -> Json:
        return usage_of(
            [len(prompt.ids) for prompt in self._prompts], [lane.run.answer for lane in self._lanes]
        )


def chat(served: Served, body: bytes) -> Reply:
    """The answer to a chat that is to be read.

    Raises:
        RequestError: the model cannot be asked that.
    """
    request, extras = parse_chat(body), asking.parse_extras(body)
    prompt = prompting.of_chat(served, request, extras)
    lanes = []
    for job in _jobs(served, request, extras, prompt):
        shows = served.shows_special and bool(request.tools)
        answer = _answer(served, request, job, _reader(served, request, prompt, job), shows_special=shows)
        choice = ChatChoice(served.text, has_logprobs=bool(request.logprobs))
        lanes.append(Lane(Run(job, answer), choice, names_stop=extras.verbose))
    return Reply(served, CHAT, request, [prompt], lanes)


def completion(served: Served, body: bytes) -> Reply:
    """The same for completions of one prompt or several."""
    request, extras = parse_completion(body), asking.parse_extras(body)
    prompts = prompting.of_completion(served, request)
    lanes = []
    for prompt in prompts:
        for job in _jobs(served, request, extras, prompt):
            choice = TextChoice(
                served.text,
                num_top=request.logprobs,
                prompt=prompt.text if request.echo else None,
            )
            run = Run(job, _answer(served, request, job, Plain()))
            lanes.append(Lane(run, choice, names_stop=extras.verbose))
    return Reply(served, COMPLETION, request, prompts, lanes)


def _jobs(served: Served, request: Request, extras: Extras, prompt: Prompt) -> list[Job]:
    adapter = request.model if request.model in served.generator.adapters else ""
    if not adapter and request.model in served.gone_adapters:
        raise UnknownModel(request.model)
    ends = frozenset(served.stop_token_ids)
    return [
        replace(job, adapter=adapter, stop_tokens=job.stop_tokens | ends)
        for job in asking.jobs(request, extras, prompt, served.limits)
    ]


def _answer(
    served: Served, request: Request, job: Job, reader: Reader, *, shows_special: bool = False
) -> Answer:
    before = job.prompt if served.goes_on else ()
    return Answer(
        served.text.detokenizer(before, keeps_special=shows_special),
        reader,
        [*asking.stops(request), *served.stop],
        served.model.end_tokens | job.stop_tokens,
    )


def _reader(served: Served, request: ChatRequest, prompt: Prompt, job: Job) -> Reader:
    """What the answer's text is read with. A grammar leaves no room for thoughts."""
    if forced_tools(request):
        return Forced()
    if job.grammar is not None:
        return Plain()
    reader: Reader = Plain()
    if served.marks is not None and request.tools and request.tool_choice != "none":
        reader = Calls(served.marks, most=1 if request.parallel_tool_calls is False else None)
    if not served.thinks:
        return reader
    tail = served.text.decode(prompt.ids[-8:], keeps_special=True)
    return Thoughts(reader, is_open=tail.rstrip().endswith(reading.THINK))


@contextmanager
def _told(request: Request) -> Iterator[None]:
    """The core's refusals as the client is told them."""
    try:
        yield
    except GrammarRefused as exc:
        param = "response_format"
        if isinstance(request, ChatRequest) and forced_tools(request):
            param = "tools"
        raise RequestError(f"The answer cannot be held to that: {exc}.", param=param) from exc
    except UnknownAdapter as exc:
        raise UnknownModel(request.model) from exc
    except GenerationFailed as exc:
        raise ReplicaError(f"The engine could not compute the answer: {exc}.") from exc
