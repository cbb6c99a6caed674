import subprocess
import sys
from pathlib import Path

import pytest

from polychat.engines.spec import ModelFiles
from polychat.engines.store import uses
from polychat.engines.store.uses import Use

USE = Use(path="/models/qwen", name="qwen", pid=7)
DIE_WHILE_USING = """
import os, sys
from pathlib import Path
from polychat.engines.store import uses
with uses.hold(Path(sys.argv[1]), uses.Use(path="/m", name="m", pid=os.getpid())):
    os._exit(9)
"""


def test_a_model_is_in_use_as_long_as_it_is_held(tmp_path: Path) -> None:
    with uses.hold(tmp_path, USE):
        assert uses.held(tmp_path) == [USE]
    assert uses.held(tmp_path) == []


def test_a_worker_that_was_killed_uses_nothing(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", DIE_WHILE_USING, str(tmp_path)], check=False)
    assert len(list(tmp_path.iterdir())) == 1
    assert uses.held(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_note_of_another_program_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "1.json").write_text("what?")
    assert uses.held(tmp_path) == []


def test_without_a_folder_or_a_model_nobody_is_told(tmp_path: Path) -> None:
    with uses.hold(None, USE), uses.hold(tmp_path, None):
        assert uses.held(tmp_path) == []


def test_a_model_that_an_engine_fetches_itself_is_not_on_this_disk() -> None:
    assert uses.current(ModelFiles(Path("llama3"), "llama3", format="reference"), "m") is None
    assert uses.current(None, "echo") is None


def test_an_error_inside_ends_the_use(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), uses.hold(tmp_path, USE):
        raise ZeroDivisionError
    assert uses.held(tmp_path) == []
