"""What became of one request, as its client saw it."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Sample:
    """Times in seconds, those with `_at_s` since the start of the run.

    TTFT is from sending to the first token; E2E to the last byte; ITL the gaps between pieces of the stream;
    TPOT (E2E - TTFT) / (output tokens - 1), as vLLM's and SGLang's benchmarks have them.
    """

    sent_at_s: float = 0.0
    ttft_s: float | None = None  # None: no token came, or nothing was streamed
    e2e_s: float = 0.0
    gaps_s: list[float] = field(default_factory=list)
    prompt_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    is_estimate: bool = False  # the tokens: pieces of the stream were counted, as the server told none
    error: str = ""  # what went wrong, in few words; "": nothing
    is_warmup: bool = False
    text: str = ""

    @property
    def tpot_s(self) -> float | None:
        if self.ttft_s is None or self.output_tokens < 2:
            return None
        return (self.e2e_s - self.ttft_s) / (self.output_tokens - 1)
