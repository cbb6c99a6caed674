"""What mistral.rs is asked for a chat, and its chunks in the published form."""

from collections.abc import Mapping, Sequence

import mistralrs
import msgspec

from polychat.errors import RequestError


class _Part(msgspec.Struct):
    type: str
    text: str = ""


class _Message(msgspec.Struct):
    role: str
    content: str | list[_Part] | None = None

    def plain(self) -> dict[str, str]:
        content = self.content or ""
        parts = content if isinstance(content, list) else [_Part("text", content)]
        if any(part.type != "text" for part in parts):
            raise RequestError("This model reads text only.", param="messages")
        role = "system" if self.role == "developer" else self.role
        return {"role": role, "content": "".join(part.text for part in parts)}


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class Wanted(msgspec.Struct):
    """A request, as far as mistral.rs's Python package can do it; the gateway has refused the rest."""

    messages: list[_Message]
    model: str = ""
    n: int | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    repetition_penalty: float | None = None
    stop: str | list[str] | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    ignore_eos: bool | None = None
    verbose: bool | None = None  # how our gateway asks for private fields

    @property
    def include_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)


class Choice(msgspec.Struct):
    """The one choice of a chunk."""

    index: int
    delta: dict[str, str]
    logprobs: dict[str, list[object]] | None = None
    finish_reason: str | None = None
    stop_reason: str | msgspec.UnsetType | None = msgspec.UNSET  # the stop string that was met


def asked(wanted: Wanted) -> "mistralrs.ChatCompletionRequest":
    """What the engine is asked for one choice."""
    bias = wanted.logit_bias
    return mistralrs.ChatCompletionRequest(
        model="default",
        messages=[message.plain() for message in wanted.messages],
        max_tokens=wanted.max_completion_tokens or wanted.max_tokens,
        temperature=1.0 if wanted.temperature is None else wanted.temperature,
        top_p=wanted.top_p,
        top_k=wanted.top_k,
        min_p=wanted.min_p,
        presence_penalty=wanted.presence_penalty,
        frequency_penalty=wanted.frequency_penalty,
        repetition_penalty=wanted.repetition_penalty,
        stop_seqs=[wanted.stop] if isinstance(wanted.stop, str) else wanted.stop,
        logit_bias={int(token): value for token, value in bias.items()} if bias else None,
        logprobs=bool(wanted.logprobs),
        top_logprobs=wanted.top_logprobs,
        ignore_eos=bool(wanted.ignore_eos),
        stream=True,  # a whole answer would keep others from being submitted until its end
    )


def choice_of(chunk: "mistralrs.ChatCompletionChunkResponse", index: int, wanted: Wanted) -> Choice:
    said = chunk.choices[0]
    delta = {"content": said.delta.content, "reasoning_content": said.delta.reasoning_content}
    return Choice(
        index,
        {name: text for name, text in delta.items() if text},
        {"content": [_logprob(said.logprobs, wanted.top_logprobs or 0)]} if said.logprobs else None,
        said.finish_reason,
        getattr(said, "stop_sequence", None) if wanted.verbose and said.finish_reason else msgspec.UNSET,
    )


def joined(choices: Sequence[Choice]) -> Mapping[str, object]:
    """One whole choice out of those of its chunks."""
    message = {"role": "assistant", "content": "".join(each.delta.get("content", "") for each in choices)}
    if thoughts := "".join(each.delta.get("reasoning_content", "") for each in choices):
        message["reasoning_content"] = thoughts
    tokens = [token for each in choices if each.logprobs for token in each.logprobs["content"]]
    stop_reason = choices[-1].stop_reason
    return {
        "index": choices[0].index,
        "message": message,
        "logprobs": {"content": tokens} if tokens else None,
        "finish_reason": choices[-1].finish_reason,
        **({} if stop_reason is msgspec.UNSET else {"stop_reason": stop_reason}),
    }


def usage(parts: "Sequence[mistralrs.Usage]") -> Mapping[str, int]:
    """Of all choices: the prompt counts once."""
    prompt = max((part.prompt_tokens for part in parts), default=0)
    completion = sum(part.completion_tokens for part in parts)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def _logprob(token: "mistralrs.ResponseLogprob", num_tops: int) -> Mapping[str, object]:
    tops = [
        {"token": top.bytes or "", "logprob": top.logprob, "bytes": list((top.bytes or "").encode())}
        for top in token.top_logprobs[:num_tops]
    ]
    return {
        "token": token.token,
        "logprob": token.logprob,
        "bytes": list(token.bytes or b""),
        "top_logprobs": tops,
    }
