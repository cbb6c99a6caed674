"""Files beside a model, of which each is checked by what it says of itself."""

from pathlib import Path

import gguf
import pytest

from polychat.engines import gguf_header, models
from polychat.engines.llamacpp.companions import Companions, checked
from polychat.engines.spec import Adapter, EngineSpec, ModelFiles, Tuning
from polychat.errors import SetupError
from tests.support import lora_gguf, mmproj_gguf, tiny_gguf

MINI = models.resolve("builtin")


def companions(model: ModelFiles = MINI, **tuning: object) -> Companions:
    spec = EngineSpec(secret="s", tuning=Tuning(**tuning))  # type: ignore[arg-type]
    return checked(spec, model, gguf_header.read(model.path))


def adapter_for(architecture: str, path: Path) -> Adapter:
    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return Adapter("x", path)


def test_all_files_are_told_in_the_order_asked_for(tmp_path: Path) -> None:
    adapters = tuple(
        Adapter(name, lora_gguf.write(tmp_path / f"{name}.gguf", MINI.path, seed=0)) for name in ("b", "a")
    )
    projector = mmproj_gguf.write(tmp_path / "mmproj.gguf")
    found = companions(adapters=adapters, mmproj=projector, draft_model=MINI.path)
    assert found.paths == (adapters[0].path, adapters[1].path, projector, MINI.path)
    assert found.sees
    assert found.draft == gguf_header.read(MINI.path)


def test_an_adapter_for_another_architecture_is_refused(tmp_path: Path) -> None:
    adapter = adapter_for("qwen3", tmp_path / "x.gguf")
    with pytest.raises(SetupError, match=r"--lora x=.* is for qwen3 models, and this model is a llama"):
        companions(adapters=(adapter,))


def test_an_adapter_that_is_not_there_is_refused_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"cannot read the model .*gone\.gguf: No such file"):
        companions(adapters=(Adapter("x", tmp_path / "gone.gguf"),))


def test_a_projector_for_sound_lets_nothing_be_seen(tmp_path: Path) -> None:
    writer = gguf.GGUFWriter(str(tmp_path / "mmproj.gguf"), "clip")
    writer.add_clip_has_vision_encoder(False)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    assert not companions(mmproj=tmp_path / "mmproj.gguf").sees


def test_a_projector_found_beside_the_model_is_taken(tmp_path: Path) -> None:
    projector = mmproj_gguf.write(tmp_path / "mmproj.gguf")
    found = companions(ModelFiles(MINI.path, "mini", mmproj=projector))
    assert (found.mmproj, found.sees) == (projector, True)


def test_a_draft_model_with_other_tokens_is_refused_with_the_first_that_differs(tmp_path: Path) -> None:
    model = tiny_gguf.write(tmp_path / "model.gguf")
    draft = tiny_gguf.write(tmp_path / "draft.gguf", fills_in=True)
    companions(ModelFiles(model, "m"), draft_model=draft)  # more tokens at the end do no harm
    odd = tmp_path / "odd.gguf"
    odd.write_bytes(draft.read_bytes().replace(b"<|im_start|>", b"<|xx_start|>"))
    with pytest.raises(
        SetupError, match=r"its token 257 is '<\|xx_start\|>', the model's is '<\|im_start\|>'"
    ):
        companions(ModelFiles(model, "m"), draft_model=odd)
