"""Our one hook in transformers' continuous batching: chooses every request's token, and tells what failed.

The library samples all requests of a batch alike. So our logits processor chooses each request's token
itself, and leaves logits whose maximum is that token.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from transformers.generation.continuous_batching.cb_logits_processors import ContinuousBatchingLogitsProcessor
from transformers.generation.continuous_batching.continuous_api import OutputRouter
from transformers.generation.continuous_batching.requests import FutureRequestState, GenerationOutput

from polychat.engines.transformers.core.request import Request, deliver, step
from polychat.engines.transformers.core.scheduling import ADAPTER
from polychat.engines.transformers.job import GenerationFailed


class Chooser(ContinuousBatchingLogitsProcessor):  # type: ignore[misc]  # transformers is not analysed
    """Lives in the batching thread; only `add` and `remove` are for others, too."""

    supported_kwargs = {ADAPTER: str}  # noqa: RUF012  # the library declares it so
    ignored_kwargs = ()

    def __init__(self, cancel: Callable[[str], None]) -> None:
        self._cancel = cancel
        self._requests: dict[str, Request] = {}
        self._batch: list[tuple[int, str, Request]] = []  # row, request id
        self.num_tokens = 0  # chosen so far, of all requests

    def add(self, request_id: str, request: Request) -> None:
        self._requests[request_id] = request

    def remove(self, request_id: str) -> Request | None:
        return self._requests.pop(request_id, None)

    def fill_defaults(self, int32_tensor: Tensor) -> None:
        int32_tensor.zero_()

    def prepare_tensor_args(self, requests_with_new_token: list[FutureRequestState]) -> Tensor:
        """Called right before each step; the rows of its logits come in this order."""
        ids = [future.state.request_id for future in requests_with_new_token]
        known = [(row, id_, self._requests.get(id_)) for row, id_ in enumerate(ids)]
        self._batch = [(row, id_, request) for row, id_, request in known if request is not None]
        return torch.zeros(0, dtype=torch.int32)

    def __call__(self, scores: Tensor, tensor_arg: Tensor) -> Tensor:
        """scores: (rows, vocabulary); rows past the batch belong to prompts not read to their end."""
        picked = torch.zeros_like(scores)
        if not self._batch:
            return picked
        rows = [row for row, _, _ in self._batch]
        tokens = step(scores[rows], [request for _, _, request in self._batch])
        picked[rows, [token.id for token in tokens]] = 1
        self.num_tokens += len(tokens)
        chosen = list(zip(self._batch, tokens, strict=True))
        for (_, id_, request), token in chosen:
            if token.finish is not None:
                self._end(id_, is_known_to_library=token.id in request.stops or token.finish == "length")
        deliver((request.stream, token) for (_, _, request), token in chosen)
        return picked

    def _end(self, request_id: str, *, is_known_to_library: bool) -> None:
        self.remove(request_id)
        if not is_known_to_library:  # it sees token ids, not that a grammar is complete
            self._cancel(request_id)


class Failures(OutputRouter):  # type: ignore[misc]  # transformers is not analysed
    """Takes the library's results. Tokens were delivered when they were chosen, so only failures count."""

    def __init__(self, remove: Callable[[str], Request | None]) -> None:
        super().__init__()
        self._remove = remove

    def deliver(self, output: GenerationOutput) -> None:
        request = self._remove(output.request_id)
        if request is not None:
            deliver([(request.stream, GenerationFailed(output.error or "the request was given up"))])

    def deliver_batch(self, outputs: list[GenerationOutput]) -> None:
        for output in outputs:
            if output.error is not None:
                self.deliver(output)
