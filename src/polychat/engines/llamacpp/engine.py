"""llama.cpp's own server in a child process: GGUF models on CPUs, Apple's GPUs, and CUDA."""

import asyncio
import logging
import re
import sys

import httpx
import msgspec

from polychat import listen
from polychat.engines import gguf_header, memory
from polychat.engines.base import EngineUnresponsive
from polychat.engines.gguf_header import Header
from polychat.engines.llamacpp import plan as planning
from polychat.engines.llamacpp import settings
from polychat.engines.llamacpp.load import load_of
from polychat.engines.models import shards
from polychat.engines.process import Child
from polychat.engines.spec import EngineSpec, ModelFiles, base_url
from polychat.errors import EngineStartError, SetupError
from polychat.types import Endpoint, Feature, Load

log = logging.getLogger(__name__)

HEALTH_TIMEOUT_S = 2.0
METRICS_TIMEOUT_S = 0.5  # they wait for the batch that runs; the values of before are good enough
_PORT_LOST = "couldn't bind HTTP server socket"
_REASON = re.compile(r"error loading model: (?:llama_model_loader: )?(.+)$")
_ERROR = re.compile(r"^[\d.]+ E (?:\S+ +\S*: )?(.+)$")


class LlamaCpp:
    """The engine `llamacpp`."""

    name = "llamacpp"

    def __init__(self, spec: EngineSpec, model: ModelFiles) -> None:
        """Raises SetupError when the file is none that llama.cpp can read, or the machine is too small."""
        header = gguf_header.read(model.path)
        self._weights_bytes = sum(shard.stat().st_size for shard in shards(model.path))
        self._spec = spec
        self._model = model
        self._header = header
        self._plan = planning.plan(
            header,
            free_bytes=max(0, memory.available_bytes() - self._weights_bytes),
            context_length=spec.context_length,
            slots=spec.slots,
        )
        self.endpoints = _endpoints(header)
        self.features: frozenset[Feature] | None = _features(header, sees=model.mmproj is not None)
        self.context_length: int | None = self._plan.context_length
        self.url = ""
        self.adapters: tuple[str, ...] = ()
        self.progress = ""
        self._port: int | None = None  # kept over restarts
        self._child: Child | None = None
        self._client = httpx.AsyncClient(trust_env=False, headers={"authorization": f"Bearer {spec.secret}"})
        self._load = Load(slots=self._plan.slots)

    async def start(self) -> str:
        """Start on the port asked for, else on the one of before or the next free one."""
        for port in [self._port] if self._port else self._spec.ports():
            self.url = base_url(self._spec.host, port)
            if await self._try_start(port):
                self._port = port
                return self.url
        raise SetupError(
            f"no port from {self._spec.ports().start} on is free on {self._spec.host}; name one with --port"
        )

    async def wait_exit(self) -> str:
        assert self._child is not None, "called after start"
        return await self._child.wait()

    async def load(self) -> Load:
        """Load now; the numbers of before while a long batch keeps llama.cpp from counting."""
        try:
            answer = await self._client.get(f"{self.url}/health", timeout=HEALTH_TIMEOUT_S)
            answer.raise_for_status()
        except httpx.HTTPError as exc:
            raise EngineUnresponsive(f"llama.cpp does not answer: {exc or type(exc).__name__}") from exc
        try:
            metrics, slots = await asyncio.gather(self._read("/metrics"), self._read("/slots"))
        except httpx.HTTPError:
            return self._load
        self._load = load_of(metrics, slots, kv_tokens=self._plan.kv_tokens, slots=self._plan.slots)
        return self._load

    async def stop(self) -> None:
        if self._child is not None:
            await self._child.stop()
        await self._client.aclose()

    async def _try_start(self, port: int) -> bool:
        """False when the port is taken and another may be tried."""
        try:
            listen.bind(self._spec.host, port).close()
        except SetupError:
            if self._spec.port is not None:
                raise
            return False
        self._child = child = await self._spawn(port)
        if (await child.read_line()).startswith(settings.SERVING):
            await self._ask_about_tools()
            return True
        died = await child.wait()
        if _PORT_LOST in child.tail and self._spec.port is None:
            return False
        reason = reason_in(child.tail) or f"llama.cpp {died}"
        raise EngineStartError(f"cannot serve {self._model.path}: {reason}", log_tail=child.tail)

    async def _ask_about_tools(self) -> None:
        try:
            props = await self._read("/props")
        except httpx.HTTPError as exc:  # then a request shows it
            log.warning("llama.cpp does not tell its properties: %s", exc or type(exc).__name__)
            return
        if not _knows_tools(props):
            self.features = (self.features or frozenset()) - {Feature.TOOLS}

    async def _spawn(self, port: int) -> Child:
        argv = [
            sys.executable,
            "-m",
            settings.MODULE,
            self._model.id,
        ]  # the id is for people who read `ps`
        return await Child.spawn(argv, env=self._settings(port).to_env(), log_path=self._spec.log_path)

    def _settings(self, port: int) -> settings.Settings:
        spec, plan = self._spec, self._plan
        return settings.Settings(
            model=str(self._model.path),
            mmproj=str(self._model.mmproj or ""),
            name=spec.name or self._model.id,
            host=spec.host,
            port=port,
            secret=spec.secret,
            slots=plan.slots,
            n_ctx=plan.kv_tokens,
            kv_unified=plan.kv_unified,
            n_batch=plan.n_batch,
            embeds=self._header.embeds,
            ranks=self._header.ranks,
            gpu_layers=0 if spec.num_gpus == 0 else -1,
            num_gpus=spec.num_gpus or 0,
            decode_threads=planning.threads(self._weights_bytes, memory.physical_cores()),
            prefill_threads=planning.threads(self._weights_bytes, memory.usable_cpus()),
            cache_ram_mib=plan.cache_ram_mib,
        )

    async def _read(self, path: str) -> bytes:
        answer = await self._client.get(self.url + path, timeout=METRICS_TIMEOUT_S)
        answer.raise_for_status()
        return answer.content


def reason_in(tail: str) -> str:
    """Why llama.cpp would not start, from its log; empty if it does not say."""
    lines = tail.splitlines()
    for pattern in (_REASON, _ERROR):
        for line in lines:
            if match := pattern.search(line):
                return match[1].strip()
    return ""


def _endpoints(header: Header) -> frozenset[Endpoint]:
    runs = {Endpoint.CHAT, Endpoint.COMPLETIONS}
    if header.embeds:
        runs = {Endpoint.EMBEDDINGS, Endpoint.RERANK, Endpoint.SCORE}
    elif header.ranks:
        runs = {Endpoint.RERANK, Endpoint.SCORE}
    return frozenset({Endpoint.TOKENIZE, Endpoint.DETOKENIZE, *runs})


def _features(header: Header, *, sees: bool) -> frozenset[Feature]:
    """What the file tells; whether the chat template knows tools is known once started."""
    if header.ranks:
        return frozenset()
    if header.embeds:
        return frozenset({Feature.TOKEN_PROMPTS})
    return _OF_ALL_CHATS | ({Feature.VISION} if sees else frozenset())


_OF_ALL_CHATS = frozenset(
    {
        Feature.TOOLS,
        Feature.JSON_SCHEMA,
        Feature.LOGPROBS,
        Feature.TOKEN_PROMPTS,
        Feature.LOGIT_BIAS,
        Feature.CONTINUE,
    }
)


def _knows_tools(props: bytes) -> bool:
    """Whether the chat template shows tools to the model."""
    return bool(msgspec.json.decode(props).get("chat_template_caps", {}).get("supports_tools", True))
