"""The gateways that are compared: how each is installed, configured and started before one mock engine."""

import contextlib
import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.support.chunk_client import MODEL
from benchmarks.support.processes import (
    DidNotStart,
    direct,
    free_ports,
    imports_from,
    polychat,
    running,
    wait_for,
    wait_for_model,
)


@dataclass(frozen=True, slots=True)
class Peer:
    """A gateway that runs."""

    name: str
    version: str
    port: int
    pids: tuple[int, ...]  # with their children they are all that it needs
    key: str
    command: str


@dataclass(frozen=True, slots=True)
class Bench:
    """Where a gateway is started."""

    engine_port: int
    folder: Path
    environments: Path


Start = Callable[[Bench], contextlib.AbstractContextManager[Peer]]
KEY = "sk-benchmark"

_NGINX = """
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log crit;
worker_rlimit_nofile 16000;
events {{ worker_connections 8000; }}
http {{
  access_log off; tcp_nodelay on; keepalive_requests 10000000;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  upstream engine {{ server 127.0.0.1:{engine}; keepalive 4096; keepalive_requests 10000000; }}
  map $http_authorization $known {{ default 0; "Bearer {key}" 1; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      if ($known = 0) {{ return 401; }}
      proxy_pass http://engine; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off; proxy_read_timeout 600s;
    }}
  }}
}}
"""
_UNLIMITED = "1000000000"


def _folder(bench: Bench, name: str) -> Path:
    folder = bench.folder / name
    folder.mkdir()
    return folder


@contextlib.contextmanager
def mock_engine(folder: Path) -> Iterator[tuple[int, int]]:
    """Its port and its process; it is compiled first."""
    program, source = folder / "mock_engine", Path(__file__).with_name("mock_engine.c")
    subprocess.run(["cc", "-O2", "-o", str(program), str(source)], check=True)
    (port,) = free_ports(1)
    log = folder / "mock_engine.log"
    with running([str(program), str(port)], log) as process:
        wait_for(f"http://127.0.0.1:{port}/count", process, log)
        yield port, process.pid


@contextlib.contextmanager
def nginx(bench: Bench) -> Iterator[Peer]:
    """One worker that checks a key, as the least that a gateway can be."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(program).exists():
        raise DidNotStart("nginx is not installed")
    folder, (port,) = _folder(bench, "nginx"), free_ports(1)
    conf = folder / "nginx.conf"
    conf.write_text(_NGINX.format(folder=folder, engine=bench.engine_port, port=port, key=KEY))
    argv, log = [program, "-e", str(folder / "error.log"), "-c", str(conf)], folder / "log"
    said = subprocess.run([program, "-v"], capture_output=True, text=True, check=True).stderr
    with running(argv, log) as process:
        wait_for(f"http://127.0.0.1:{port}/v1/models", process, log, key=KEY)
        yield Peer("nginx", said.strip().rpartition("/")[2], port, (process.pid,), KEY, "nginx, one worker")


def polychat_gateway(name: str, source: Path | None = None) -> Start:
    """With a key that has limits, usage in SQLite, metrics, and the controller and worker counted, too.

    `source`: another checkout, to compare with what is here.
    """

    @contextlib.contextmanager
    def start(bench: Bench) -> Iterator[Peer]:
        home, (controller_port, port) = _folder(bench, name), free_ports(2)
        secret = _polychat_key(home, source)
        follow = ("--controller-address", f"http://127.0.0.1:{controller_port}")
        engine = f"http://127.0.0.1:{bench.engine_port}"
        listen = ("--port", str(controller_port))
        with (
            polychat("controller", *listen, home=home, source=source) as controller,
            polychat("worker", "--attach", engine, *follow, home=home, source=source) as worker,
            polychat("api", "--port", str(port), *follow, home=home, source=source) as api,
        ):
            wait_for_model(port, MODEL, key=secret)
            pids = (api.pid, controller.pid, worker.pid)
            command = "polychat controller, worker --attach, api; a key with limits"
            version = _said_version([sys.executable, "-m", "polychat"])
            yield Peer(name, version, port, pids, secret, command)

    return start


def _polychat_key(home: Path, source: Path | None) -> str:
    limits = ("--rpm", _UNLIMITED, "--tpm", _UNLIMITED, "--concurrent", "100000")
    made = subprocess.run(
        [sys.executable, "-m", "polychat", "keys", "create", "bench", "--quiet", *limits],
        capture_output=True,
        text=True,
        check=True,
        env={"POLYCHAT_HOME": str(home), "PATH": "/usr/bin:/bin"} | imports_from(source),
    )
    return made.stdout.split()[-1]


def _said_version(argv: list[str]) -> str:
    return subprocess.run([*argv, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]


def rust_router(package: str, module: str, *, warn: str = "warn") -> Start:
    """vllm-router, sglang-router and smg, which come from one source and take the same options."""

    @contextlib.contextmanager
    def start(bench: Bench) -> Iterator[Peer]:
        python = environment(bench.environments / package, (package,))
        folder, (port, metrics_port) = _folder(bench, package), free_ports(2)
        argv = [python, "-m", module, "--worker-urls", f"http://127.0.0.1:{bench.engine_port}"]
        argv += ["--host", "127.0.0.1", "--port", str(port), "--policy", "round_robin"]
        argv += [
            "--prometheus-host",
            "127.0.0.1",
            "--prometheus-port",
            str(metrics_port),
            "--log-level",
            warn,
        ]
        log = folder / "log"
        with running(argv, log, cwd=folder) as process:
            wait_for(f"http://127.0.0.1:{port}/v1/models", process, log, timeout_s=30)
            command = f"python -m {module} --policy round_robin; no keys"
            yield Peer(package, installed(python, package), port, (process.pid,), KEY, command)

    return start


@contextlib.contextmanager
def litellm(bench: Bench) -> Iterator[Peer]:
    """Its proxy with a master key and no database."""
    python = environment(bench.environments / "litellm", ("litellm[proxy]",))
    folder, (port,) = _folder(bench, "litellm"), free_ports(1)
    engine = {
        "model": f"openai/{MODEL}",
        "api_base": f"http://127.0.0.1:{bench.engine_port}/v1",
        "api_key": "x",
    }
    config = {"model_list": [{"model_name": MODEL, "litellm_params": engine}]}
    config["general_settings"] = {"master_key": KEY}  # type: ignore[assignment]  # each part has its own shape
    (folder / "config.yaml").write_text(json.dumps(config))
    argv = [str(Path(python).with_name("litellm")), "--config", "config.yaml", "--host", "127.0.0.1"]
    argv += ["--port", str(port)]
    log, offline = folder / "log", {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
    with running(argv, log, cwd=folder, environment=offline) as process:
        wait_for(f"http://127.0.0.1:{port}/v1/models", process, log, key=KEY, timeout_s=90)
        command = "litellm --config config.yaml; a master key"
        yield Peer("litellm", installed(python, "litellm"), port, (process.pid,), KEY, command)


_FASTCHAT = (
    ("torch==2.13.0",),
    (
        *(
            "transformers==4.51.3",
            "pydantic<2",
            "fastapi<0.113",
            "starlette<0.39",
            "uvicorn",
            "httpx",
            "aiohttp",
        ),
        *(
            "nh3",
            "shortuuid",
            "tiktoken",
            "markdown2",
            "rich",
            "prompt_toolkit",
            "requests",
            "accelerate",
            "peft",
        ),
    ),
    ("--no-deps", "fschat==0.2.36"),
)


@contextlib.contextmanager
def fastchat(bench: Bench) -> Iterator[Peer]:
    """Its controller and its API server; the mock engine speaks its worker's protocol."""
    python = environment(bench.environments / "fschat", *_FASTCHAT)
    folder, (controller_port, port) = _folder(bench, "fschat"), free_ports(2)
    serve, log = [python, "-m", "fastchat.serve"], folder / "log"
    address = f"http://127.0.0.1:{controller_port}"
    controller_argv = [*serve[:2], "fastchat.serve.controller", "--port", str(controller_port)]
    api_argv = [*serve[:2], "fastchat.serve.openai_api_server", "--controller-address", address]
    api_argv += ["--port", str(port), "--api-keys", KEY]
    with running(controller_argv, log, cwd=folder) as controller, running(api_argv, log, cwd=folder) as api:
        wait_for(f"http://127.0.0.1:{port}/v1/models", api, log, key=KEY)
        _register(address, f"http://127.0.0.1:{bench.engine_port}")
        wait_for_model(port, MODEL, key=KEY)
        command = "fastchat.serve.controller and openai_api_server; a key"
        yield Peer("fschat", installed(python, "fschat"), port, (api.pid, controller.pid), KEY, command)


def _register(controller: str, worker: str) -> None:
    status = {"model_names": [MODEL], "speed": 1, "queue_length": 0}
    fields = {"worker_name": worker, "check_heart_beat": False, "worker_status": status, "multimodal": False}
    request = urllib.request.Request(
        f"{controller}/register_worker", json.dumps(fields).encode(), {"content-type": "application/json"}
    )
    direct.open(request).close()


def environment(folder: Path, *installs: tuple[str, ...]) -> str:
    """The Python of an environment of its own, which is made if it is not there yet.

    Raises:
        DidNotStart: it could not be installed.
    """
    python = folder / "bin" / "python"
    if (folder / "is-whole").exists():
        return str(python)
    shutil.rmtree(folder, ignore_errors=True)
    print(f"installs {folder.name} into {folder}", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    for words in installs:
        done = subprocess.run([python, "-m", "pip", "install", "-q", *words], capture_output=True, text=True)
        if done.returncode:
            raise DidNotStart(f"pip install {words[-1]}: {done.stderr.strip().splitlines()[-1][-160:]}")
    (folder / "is-whole").touch()
    return str(python)


def installed(python: str, package: str) -> str:
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


PEERS: dict[str, Start] = {
    "nginx": nginx,
    "polychat": polychat_gateway("polychat"),
    "vllm-router": rust_router("vllm-router", "vllm_router.launch_router", warn="warning"),
    "sglang-router": rust_router("sglang-router", "sglang_router.launch_router"),
    "smg": rust_router("smg", "smg.launch_router"),
    "litellm": litellm,
    "fschat": fastchat,
}
