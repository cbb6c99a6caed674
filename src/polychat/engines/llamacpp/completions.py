"""Where llama.cpp's completions depart from the published API, and how they are set right."""

from typing import Any

import msgspec
from msgspec.structs import replace

from polychat.engines.base import RequestView, Shaped
from polychat.engines.llamacpp import collect, fields, groups, infill
from polychat.engines.llamacpp.logprobs import TextLogprobs
from polychat.engines.llamacpp.prompts import is_list_of_one, is_partly_empty, num_prompts, told, with_texts
from polychat.engines.llamacpp.refusals import refusal
from polychat.engines.llamacpp.usage import Counts
from polychat.schema.completions import CompletionRequest

_CHAT_ID = b'"id":"chatcmpl-'
_TEXT_ID = b'"id":"cmpl-'
_DEFAULT_TOKENS = 16  # OpenAI's; llama.cpp goes on until its context is full

Document = dict[str, Any]  # Any: decoded JSON


def shape(body: bytes, view: RequestView) -> Shaped:
    """One completion, after the side calls that tell the texts of prompts that are to be echoed.

    As in `chat`, a whole one is asked for as a stream.
    """
    known = view.request
    request = known if isinstance(known, CompletionRequest) else CompletionRequest(model="", prompt="")
    if request.suffix:
        return _filled_in(body, view, request, request.suffix)
    if not request.echo:
        return _shaped(body, view, request, [""] * num_prompts(request.prompt))
    return with_texts(request.prompt, lambda texts: _shaped(body, view, request, texts))


def _filled_in(body: bytes, view: RequestView, request: CompletionRequest, suffix: str) -> Shaped:
    """One completion of what leads from each prompt to the suffix."""

    def completed(prompts: list[infill.Tokens]) -> Shaped:
        asked = fields.added(infill.without_suffix(body), {"prompt": prompts})
        return _shaped(asked, view, replace(request, prompt=prompts), [""] * len(prompts))

    return with_texts(request.prompt, lambda texts: infill.with_prompts(texts, suffix, view, completed))


def _shaped(body: bytes, view: RequestView, request: CompletionRequest, echoed: list[str]) -> Shaped:
    event = TextEvents(view, request, echoed)

    def response(data: bytes) -> bytes:
        document = collect.text_of(collect.chunks_of(data, event))
        return msgspec.json.encode(_best(document, request))

    call = Shaped(
        view.endpoint,
        fields.added(body, _asked(body, request, view) | ({} if view.stream else fields.STREAMED)),
        response=response,
        event=event,
        refused=lambda status, data: refusal(status, data, view),
    )
    return groups.fitted(call, _num_each(request), request.seed, view)


def _asked(body: bytes, request: CompletionRequest, view: RequestView) -> Document:
    more = fields.engine_fields(request, view)
    if request.max_tokens is None and b'"n_predict"' not in body:
        more["max_tokens"] = _DEFAULT_TOKENS
    if is_partly_empty(request.prompt) or is_list_of_one(request.prompt):
        more["prompt"] = told(request.prompt)
    if request.best_of is not None:
        more["n"] = request.best_of
    if _asks_logprobs(request) and not request.logprobs:
        more["logprobs"] = 1  # with none it tells no logprobs at all
    return more


def _num_each(request: CompletionRequest) -> int:
    """How many choices are made of each prompt."""
    return request.best_of or request.n or 1


def _asks_logprobs(request: CompletionRequest) -> bool:
    return request.logprobs is not None or _chooses(request)


def _chooses(request: CompletionRequest) -> bool:
    return (request.best_of or 1) > (request.n or 1)


class TextEvents:
    """The events of one completion as OpenAI would send them; the same object when nothing is amiss."""

    def __init__(self, view: RequestView, request: CompletionRequest, echoed: list[str]) -> None:
        self._view = view
        self._created = fields.Created()
        self._request = request
        self._echoed = echoed  # the text before each prompt's answers
        self._num_each = _num_each(request)
        self._num_choices = self._num_each * len(echoed)
        self._counts = Counts(self._num_choices)
        self._logprobs: dict[int, TextLogprobs] = {}  # by the choice's index

    @property
    def edits_choices(self) -> bool:
        request = self._request
        return bool(
            _asks_logprobs(request) or request.echo or request.max_tokens == 0 or self._num_choices > 1
        )

    def __call__(self, data: bytes) -> bytes:
        if data == b"null":  # what it sends between two prompts of one request
            return b""
        fields.raise_error_in(data)
        data = fields.common(self._created.constant(data.replace(_CHAT_ID, _TEXT_ID, 1)), self._view)
        is_last = fields.USAGE in data
        if not (is_last or self.edits_choices):
            return fields.usage_null(data) if self._wants_usage else data
        chunk = msgspec.json.decode(data)
        usage = chunk.pop("usage", None)
        for choice in chunk["choices"]:
            self._edit(choice)
            if usage and self._request.max_tokens == 0:
                usage["completion_tokens"] = 0
            is_last = bool(usage) and self._counts.add(usage, prompt=choice["index"] // self._num_each)
        sent = msgspec.json.encode(chunk)
        if not self._wants_usage:
            return sent
        sent = fields.usage_null(sent)
        if not is_last:
            return sent
        return sent + b"\n" + msgspec.json.encode(chunk | {"choices": [], "usage": self._counts.total})

    @property
    def _wants_usage(self) -> bool:
        return self._view.include_usage or not self._view.stream

    def _edit(self, choice: Document) -> None:
        if self._request.max_tokens == 0:  # it makes one token all the same
            choice |= {"text": "", "logprobs": None}
            choice["finish_reason"] = choice["finish_reason"] and "length"
        index = choice["index"]
        echoed = self._echoed[index // self._num_each]
        if index not in self._logprobs:
            self._logprobs[index] = TextLogprobs(num_top=self._request.logprobs or 0, offset=len(echoed))
            choice["text"] = echoed + choice["text"]
        if choice.get("logprobs"):
            choice["logprobs"] = self._logprobs[index].of(choice["logprobs"]["content"] or [])


def _best(document: Document, request: CompletionRequest) -> Document:
    """The `n` choices of each prompt that the model finds likeliest, of the `best_of` that it has made."""
    if not _chooses(request):
        return document
    num_made, num_kept = request.best_of or 1, request.n or 1
    kept = []
    for start in range(0, len(document["choices"]), num_made):
        made = document["choices"][start : start + num_made]
        kept += sorted(made, key=_likelihood, reverse=True)[:num_kept]
    for index, choice in enumerate(kept):
        choice["index"] = index
        if request.logprobs is None:
            choice["logprobs"] = None
    return document | {"choices": kept}


def _likelihood(choice: Document) -> float:
    """Mean log probability of a token."""
    told = (choice["logprobs"] or {}).get("token_logprobs") or [0.0]
    return float(sum(told)) / len(told)
