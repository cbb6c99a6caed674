"""Checks of the machine itself: packages, engines, GPUs, room on disk and in memory, the state folder."""

import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from polychat.cli.doctor_checks import GIB, Check, fail, ok, room, warn

PACKAGES = ("typer", "starlette", "uvicorn", "httpx", "msgspec", "huggingface-hub", "xllamacpp")


def checks(home: Path) -> list[Check]:
    """Every check that needs no network. `home` is POLYCHAT_HOME."""
    return [
        python(),
        packages(),
        llamacpp(),
        engines(),
        web_page(),
        gpus(),
        builtin_model(),
        writable(home),
        disk(home),
        memory(),
    ]


def python() -> Check:
    return ok("python", f"{platform.python_version()} at {sys.executable}")


def packages() -> Check:
    versions, missing = [], []
    for package in ("polychat", *PACKAGES):
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(package)
    if missing:
        return fail("packages", f"missing: {', '.join(missing)}", f"pip install {' '.join(missing)}")
    return ok("packages", ", ".join(versions))


def llamacpp() -> Check:
    """Imported in a process of its own: native code that this CPU cannot run takes the process down."""
    argv = [sys.executable, "-c", "import xllamacpp"]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return fail("llama.cpp", "its import takes more than a minute", "see whether the disk is very slow")
    if done.returncode:
        why = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        return fail("llama.cpp", f"cannot be loaded: {why}", "pip install --force-reinstall xllamacpp")
    return ok("llama.cpp", "can be loaded")


def engines() -> Check:
    """The engines that `--engine` may name here; those of extras with the line that installs them."""
    from polychat.engines import catalog, choice, launches

    extras = {name: name in catalog.installed() for name in choice.INSTALL}
    others = {name: launches.launch_of(name).program.is_here() for name in launches.READS}
    here = [name for name, is_here in {**extras, **others}.items() if is_here]
    found = f"llamacpp, {', '.join([*here, 'echo'])}"
    lines = [choice.INSTALL[name] for name, is_here in extras.items() if not is_here]
    return ok("engines", found + (f"; more with {' or '.join(lines)}" if lines else ""))


def web_page() -> Check:
    if importlib.util.find_spec("gradio") is None:
        return warn("web page", "Gradio is not installed", "pip install 'polychat[web]'")
    return ok("web page", f"gradio {importlib.metadata.version('gradio')}")


def gpus() -> Check:
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        return ok("gpu", "Apple GPU, used by llama.cpp")
    query = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ok("gpu", "none seen (no nvidia-smi); models run on the CPU")
    if done.returncode:
        return warn("gpu", f"nvidia-smi: {done.stdout.strip() or done.stderr.strip()}", "see to the driver")
    return ok("gpu", "; ".join(done.stdout.strip().splitlines()))


def builtin_model() -> Check:
    from polychat.engines.models import BUILTIN, BUILTIN_PATH

    if not BUILTIN_PATH.exists():
        return fail(
            "built-in model", f"{BUILTIN_PATH} is missing", "install polychat again, or name a GGUF file"
        )
    return ok("built-in model", f"{BUILTIN}, {BUILTIN_PATH.stat().st_size / 1e6:.1f} MB")


def writable(home: Path) -> Check:
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = home / ".doctor"
        probe.write_text("")
        probe.unlink()
    except OSError as exc:
        return fail(
            "state folder", f"{home}: {exc.strerror}", "set POLYCHAT_HOME to a folder you may write to"
        )
    return ok("state folder", str(home))


def disk(home: Path) -> Check:
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    return room(
        "disk",
        shutil.disk_usage(there).free,
        enough_bytes=5 * GIB,
        least_bytes=GIB // 10,
        fix="models and logs need room; delete some, or move HF_HOME and POLYCHAT_HOME to a larger disk",
    )


def memory() -> Check:
    free_bytes = free_memory_bytes()
    if free_bytes is None:
        return ok("memory", "free memory is not told by this system")
    return room(
        "memory",
        free_bytes,
        enough_bytes=2 * GIB,
        least_bytes=GIB // 4,
        fix="stop programs, or take a smaller model or quantization",
    )


def free_memory_bytes(meminfo: Path = Path("/proc/meminfo")) -> int | None:
    """What programs may still take, as Linux estimates it; None on systems without that file."""
    if not meminfo.exists():
        pages = os.sysconf_names.get("SC_AVPHYS_PAGES")
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if pages else None
    match = re.search(r"MemAvailable:\s+(\d+) kB", meminfo.read_text())
    return int(match[1]) * 1024 if match else None
