"""`polychat simulate`: what a routing policy would do on replicas that are not there."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from polychat.bench.simulate.figures import Figures
    from polychat.bench.simulate.world import Failure


def simulate(
    replicas: Annotated[int, typer.Option(help="How many.", min=1, max=100_000)] = 8,
    gateways: Annotated[int, typer.Option(help="How many choose, each by what it knows itself.", min=1)] = 1,
    policy: Annotated[
        str, typer.Option(help="Names split by commas, as of --dispatch-method, or all.")
    ] = "all",
    workload: Annotated[
        str, typer.Option(help="random, shared-prefix, hot-prefix or multi-turn.")
    ] = "multi-turn",
    trace: Annotated[
        Path | None, typer.Option(help="Requests from a trace instead, as `bench` takes it.")
    ] = None,
    requests: Annotated[int, typer.Option(help="Requests in all.", min=1)] = 20_000,
    rate: Annotated[
        float | None,
        typer.Option(help="Conversations begun per second; by default 60 % of what they can do."),
    ] = None,
    arrival: Annotated[str, typer.Option(help="poisson, constant or gamma.")] = "poisson",
    burstiness: Annotated[float, typer.Option(help="Of gamma: below 1 in bursts.")] = 1.0,
    prompt_tokens: Annotated[int, typer.Option(help="Mean that each turn adds.", min=1)] = 300,
    output_tokens: Annotated[int, typer.Option(help="Mean of each answer.", min=1)] = 150,
    prefix_tokens: Annotated[int, typer.Option(help="Of a shared beginning.", min=0)] = 2000,
    turns: Annotated[int, typer.Option(help="Of each conversation.", min=1)] = 5,
    think: Annotated[
        float, typer.Option(help="Mean seconds between an answer and the next turn.", min=0.001)
    ] = 10.0,
    prefill_rate: Annotated[
        float, typer.Option(help="Prompt tokens per second of a replica.", min=1)
    ] = 8000.0,
    step_ms: Annotated[float, typer.Option(help="One decode step, whatever the batch.", min=0.001)] = 20.0,
    step_each_ms: Annotated[float, typer.Option(help="And for each request in it.", min=0)] = 0.5,
    slots: Annotated[int, typer.Option(help="Requests in a batch.", min=1)] = 32,
    kv_tokens: Annotated[int, typer.Option(help="Tokens that a KV cache holds.", min=1)] = 400_000,
    fail: Annotated[
        list[str] | None, typer.Option(help="REPLICA@FROM-UNTIL in seconds, such as 3@10-20; several times.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed, the same outcome.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run routing policies in virtual time, on the same requests, and print what comes of each."""
    import json
    from dataclasses import asdict, replace

    from polychat.bench.arrivals import Arrivals
    from polychat.bench.simulate import capacity
    from polychat.bench.simulate.figures import figures
    from polychat.bench.simulate.replica import Engine
    from polychat.bench.simulate.workload import Workload, arrivals, from_trace
    from polychat.bench.simulate.world import Setting, World

    engine = Engine(prefill_rate, step_ms / 1000, step_each_ms / 1000, slots, kv_tokens)
    asked = Workload(workload, prompt_tokens, output_tokens, prefix_tokens, turns, think)
    rhythm = Arrivals(rate or capacity.sensible_rate(engine, asked, replicas), arrival, burstiness)
    setting = Setting(replicas, gateways, "", engine, asked, requests, _failures(fail or [], replicas), seed)
    seen = []
    for name in _policies(policy):
        world = World(replace(setting, policy=name))
        world.run(from_trace(trace) if trace else arrivals(asked, rhythm, seed))
        seen.append(figures(world))
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in seen], indent=2))
        return
    rhythm_told = f"from {trace}" if trace else f"{asked.kind}, {rhythm.rate:.2f} conversations/s"
    typer.echo(f"{replicas} replicas, {gateways} gateways, {requests} requests, {rhythm_told}")
    typer.echo(_table(seen))


def _policies(text: str) -> list[str]:
    from polychat.errors import SetupError
    from polychat.routing.policies import POLICIES

    names = [name for name in POLICIES if name != "shortest_queue"] if text == "all" else text.split(",")
    for name in names:
        if name not in POLICIES:
            raise SetupError(f"--policy {name!r} is unknown; choose of {', '.join(POLICIES)}, or all")
    return names


def _failures(texts: list[str], num_replicas: int) -> "tuple[Failure, ...]":
    from polychat.bench.simulate.world import Failure
    from polychat.errors import SetupError

    found = []
    for text in texts:
        replica, _, times = text.partition("@")
        from_s, _, until_s = times.partition("-")
        try:
            failure = Failure(int(replica), float(from_s), float(until_s))
        except ValueError:
            failure = Failure(-1, 0.0, 0.0)
        if not (0 <= failure.replica < num_replicas and failure.from_s < failure.until_s):
            raise SetupError(
                f"--fail {text!r} must be REPLICA@FROM-UNTIL, a replica from 0 to {num_replicas - 1}"
            )
        found.append(failure)
    return tuple(found)


def _table(seen: "list[Figures]") -> str:
    head = f"{'policy':14}{'req/s':>9}{'tok/s':>10}{'TTFT p50':>10}{'p90':>8}{'p99 ms':>9}{'E2E p50 s':>11}"
    rows = [head + f"{'hits':>7}{'Jain':>7}{'max/mean':>10}{'lost':>6}"]
    for each in seen:
        times = f"{1000 * each.ttft_p50_s:10.0f}{1000 * each.ttft_p90_s:8.0f}{1000 * each.ttft_p99_s:9.0f}"
        rows.append(
            f"{each.policy:14}{each.requests_per_s:9.2f}{each.output_tokens_per_s:10.0f}{times}{each.e2e_p50_s:11.2f}"
            f"{each.hit_rate:7.0%}{each.jain:7.3f}{each.most_by_mean:10.2f}{each.num_lost:6}"
        )
    return "\n".join(rows)
