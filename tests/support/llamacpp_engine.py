"""A llama.cpp engine without worker and gateway, and a client of its own API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from polychat.engines import models
from polychat.engines.llamacpp.engine import LlamaCpp
from polychat.engines.spec import EngineSpec, ModelFiles, Tuning
from tests.support.processes import free_port


def engine(model: Path = models.BUILTIN_PATH, *, slots: int = 2, **tuning: object) -> LlamaCpp:
    """An engine that is not started yet."""
    asked = Tuning(**tuning)  # type: ignore[arg-type]
    spec = EngineSpec(secret="s3cret", name="mini", port=free_port(), slots=slots, tuning=asked)
    return LlamaCpp(spec, ModelFiles(model, model.stem))


@asynccontextmanager
async def running(engine: LlamaCpp) -> AsyncIterator[httpx.AsyncClient]:
    try:
        url = await engine.start()
        headers = {"authorization": "Bearer s3cret"}
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60, trust_env=False) as http:
            yield http
    finally:
        await engine.stop()


async def goes_on(
    http: httpx.AsyncClient, prompt: str = "Once upon a time there was", **fields: object
) -> str:
    """What the model goes on with, greedily."""
    body = {"prompt": prompt, "max_tokens": 48, "temperature": 0, **fields}
    answer = await http.post("/v1/completions", json=body)
    return str(answer.raise_for_status().json()["choices"][0]["text"])
