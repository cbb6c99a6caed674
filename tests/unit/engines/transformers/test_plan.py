"""What can be refused before torch is imported is refused in one line; the rest is told to the child."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from polychat.engines.spec import Adapter, EngineSpec, ModelFiles, Tuning
from polychat.engines.transformers.plan import planned
from polychat.engines.transformers.settings import Settings
from polychat.errors import SetupError
from polychat.types import Endpoint
from tests.support import tiny_checkpoint


def plan_of(folder: Path, **spec: object) -> Settings:
    return planned(EngineSpec(**({"secret": "s"} | spec)), ModelFiles(folder, "tiny")).settings  # type: ignore[arg-type]


def endpoints_of(folder: Path, **spec: object) -> frozenset[Endpoint]:
    return planned(EngineSpec(**({"secret": "s"} | spec)), ModelFiles(folder, "tiny")).endpoints  # type: ignore[arg-type]


def test_settings_reach_the_child_as_they_are(tmp_path: Path) -> None:
    adapter = tmp_path / "pirate"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text("{}")
    tuning = Tuning(adapters=(Adapter("pirate", adapter),), dtype="bfloat16", chat_template="vicuna_v1.1")
    settings = plan_of(tiny_checkpoint.write(tmp_path / "m"), tuning=tuning, num_gpus=0, slots=3)
    assert Settings.from_env(settings.to_env()) == settings
    assert (settings.model.device, settings.model.dtype, settings.model.slots) == ("cpu", "bfloat16", 3)
    assert "USER" in settings.chat_template


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"num_gpus": 2}, "--num-gpus 1"),
        ({"tuning": Tuning(tool_parser="nobody")}, "--tool-parser nobody"),
        ({"tuning": Tuning(kv_cache_dtype="fp8")}, "--kv-cache-dtype"),
        ({"tuning": Tuning(adapters=(Adapter("a", Path("/nowhere")),))}, "adapter_config.json"),
        ({"tuning": Tuning(chat_template="no such template")}, "no such template"),
    ],
)
def test_what_it_cannot_do_is_one_line_with_the_fix(
    tmp_path: Path, spec: dict[str, object], expected: str
) -> None:
    with pytest.raises(SetupError) as caught:
        plan_of(tiny_checkpoint.write(tmp_path), **spec)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    folder = tiny_checkpoint.write(tmp_path)
    (folder / "model.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(SetupError, match=r"model\.safetensors is damaged"):
        plan_of(folder)


def test_without_any_template_chats_are_not_offered(tmp_path: Path) -> None:
    folder = tiny_checkpoint.write(tmp_path)
    (folder / "tokenizer_config.json").write_text(json.dumps({}))
    assert Endpoint.CHAT not in endpoints_of(folder)
    assert Endpoint.CHAT in endpoints_of(folder, tuning=Tuning(chat_template="alpaca"))


def test_adapters_may_change_only_where_that_is_allowed(tmp_path: Path) -> None:
    folder = tiny_checkpoint.write(tmp_path)
    assert Endpoint.LOAD_ADAPTER not in endpoints_of(folder)
    assert Endpoint.LOAD_ADAPTER in endpoints_of(folder, tuning=Tuning(allow_adapter_updates=True))


def test_a_worker_imports_no_torch() -> None:
    code = "import sys, polychat.engines.transformers.engine; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
