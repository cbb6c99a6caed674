"""`polychat bench`: load for any OpenAI-compatible endpoint, and what it delivers under it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from polychat.cli import options

if TYPE_CHECKING:
    from polychat.bench.load import Plan


def bench(
    url: Annotated[
        str, typer.Argument(help="The endpoint, ours or any other that speaks OpenAI's API.")
    ] = options.API_URL,
    model: Annotated[str, typer.Option(help="The model; not needed where there is only one.")] = "",
    api_key: options.ApiKey = "",
    endpoint: Annotated[str, typer.Option(help="chat, completions or embeddings.")] = "chat",
    no_stream: Annotated[bool, typer.Option("--no-stream", help="Ask for whole answers.")] = False,
    concurrency: Annotated[
        int, typer.Option("--concurrency", "-c", help="Conversations at once: a closed loop.", min=1)
    ] = 8,
    rate: Annotated[
        float | None, typer.Option(help="Requests per second instead, answered or not: an open loop.")
    ] = None,
    arrival: Annotated[str, typer.Option(help="Of --rate: poisson, constant or gamma.")] = "poisson",
    burstiness: Annotated[
        float, typer.Option(help="Of gamma: below 1 in bursts, above 1 more regular.")
    ] = 1.0,
    requests: Annotated[
        int | None, typer.Option("--requests", "-n", help="Requests in all; default 100.", min=1)
    ] = None,
    duration: Annotated[float | None, typer.Option(help="Seconds instead.", min=0.1)] = None,
    warmup: Annotated[int, typer.Option(help="Requests before those that count.", min=0)] = 0,
    prompt_tokens: Annotated[
        str, typer.Option(help="256, uniform:100-400, normal:MEAN,DEVIATION or lognormal:MEDIAN,SIGMA.")
    ] = "256",
    output_tokens: Annotated[str, typer.Option(help="The most of each answer; likewise.")] = "64",
    ignore_eos: Annotated[
        bool, typer.Option("--ignore-eos", help="Have answers go on until then (vLLM, SGLang, llama.cpp).")
    ] = False,
    prefixes: Annotated[int, typer.Option(help="Different system prompts that requests share.", min=0)] = 0,
    prefix_tokens: Annotated[int, typer.Option(help="Tokens of each of them.", min=1)] = 512,
    turns: Annotated[int, typer.Option(help="Turns of each conversation.", min=1)] = 1,
    think: Annotated[float, typer.Option(help="Seconds between an answer and the next turn.", min=0)] = 0.0,
    dataset: Annotated[
        Path | None, typer.Option(help="Requests from a JSONL file: prompt, messages, conversations, body.")
    ] = None,
    trace: Annotated[
        Path | None, typer.Option(help="The same, sent when each line's `timestamp` (ms) says.")
    ] = None,
    slo: Annotated[str, typer.Option(help="What counts as good, such as ttft:500ms,tpot:50ms,e2e:5s.")] = "",
    sweep: Annotated[
        str, typer.Option(help="Several loads, such as 1,2,4,8: of --rate if that is given, else at once.")
    ] = "",
    timeout: Annotated[float, typer.Option(help="Seconds for one request.", min=0.1)] = 600.0,
    stall: Annotated[float, typer.Option(help="Seconds without a byte.", min=0.1)] = 60.0,
    seed: Annotated[int, typer.Option(help="The same seed, the same requests.")] = 0,
    extra_body: Annotated[str, typer.Option(help="More fields of each request, a JSON object.")] = "",
    header: Annotated[list[str] | None, typer.Option(help="NAME:VALUE, several times.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all figures here.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with plots here.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write what is printed here.")] = None,
    compare: Annotated[
        tuple[Path, Path] | None, typer.Option(help="Compare two files of --json and do nothing else.")
    ] = None,
) -> None:
    """Send requests to an endpoint; print latencies, throughput and goodput. Status 1 if all fail."""
    from polychat.bench import lengths, probe, session
    from polychat.bench.stats import Slo
    from polychat.cli import bench_output

    if compare is not None:
        bench_output.compare(*compare)
        return
    base_url = probe.base_url(url)
    target = bench_output.target(
        base_url,
        probe.model_at(base_url, api_key, model),
        endpoint=endpoint,
        key=api_key,
        streams=not no_stream,
        ignores_eos=ignore_eos,
        extra=extra_body,
        headers=header or [],
    )
    wish = session.Wish(
        target=target,
        prompt=lengths.Lengths.parsed(prompt_tokens, flag="--prompt-tokens"),
        output=lengths.Lengths.parsed(output_tokens, flag="--output-tokens"),
        num_prefixes=prefixes,
        prefix_tokens=prefix_tokens,
        turns=turns,
        file=trace or dataset,
        is_trace=trace is not None,
        slo=Slo.parsed(slo),
        rate=rate,
        arrival=arrival,
        burstiness=burstiness,
        sweep=sweep,
        plan=_plan(concurrency, requests, duration, warmup, timeout, stall, think, seed),
    )
    outcome = bench_output.run(wish)
    bench_output.write(outcome, json_file=json_file, html_file=html, markdown_file=markdown)
    if not any(step.summary.num_requests > sum(step.summary.errors.values()) for step in outcome.steps):
        raise typer.Exit(1)


def _plan(
    concurrency: int,
    requests: int | None,
    duration: float | None,
    warmup: int,
    timeout: float,
    stall: float,
    think: float,
    seed: int,
) -> "Plan":
    from polychat.bench.load import Plan

    return Plan(
        concurrency=concurrency,
        num_requests=requests or (100 if duration is None else None),
        duration_s=duration,
        num_warmup=warmup,
        timeout_s=timeout,
        stall_s=stall,
        think_s=think,
        seed=seed,
    )
