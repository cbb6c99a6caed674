"""What a worker is told to run: what is checked before anything starts."""

from pathlib import Path

import pytest

from polychat.engines.spec import Adapter, Tuning
from polychat.errors import SetupError


def test_an_engine_refuses_by_its_flag_what_it_does_not_take() -> None:
    tuning = Tuning(kv_cache_dtype="fp8")
    with pytest.raises(SetupError, match="the engine echo does not take --kv-cache-dtype"):
        tuning.require_only("echo", {"dtype"})


def test_an_engine_takes_what_it_says_that_it_does() -> None:
    Tuning(kv_cache_dtype="fp8").require_only("llamacpp", {"kv_cache_dtype"})


def test_adapters_are_refused_under_the_name_of_their_flag() -> None:
    tuning = Tuning(adapters=(Adapter("a", Path("a")),))
    with pytest.raises(SetupError, match="does not take --lora"):
        tuning.require_only("echo", ())
