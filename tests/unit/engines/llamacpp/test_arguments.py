import pytest
import xllamacpp

from polychat.engines.llamacpp.arguments import _SETTINGS, parsed
from polychat.errors import SetupError


def test_arguments_become_llamacpps_parameters() -> None:
    told = parsed(["-t", "3", "--batch-size=64", "--no-warmup", "--rope-freq-scale", "0.5"])
    assert told == [
        ("cpuparams.n_threads", 3),
        ("n_batch", 64),
        ("warmup", False),
        ("rope_freq_scale", 0.5),
    ]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--grammar", "x"], "does not take --grammar; --program llama-server"),
        (["-t", "many"], "-t must be a whole number, not 'many'"),
        (["-t"], "-t needs a value"),
        (["7"], "does not take 7"),
    ],
)
def test_what_cannot_be_passed_on_is_refused_by_its_name(arguments: list[str], reason: str) -> None:
    with pytest.raises(SetupError, match=reason):
        parsed(arguments)


@pytest.mark.parametrize("setting", _SETTINGS.values(), ids=lambda setting: setting.path)
def test_each_parameter_of_the_table_is_one_of_the_library(setting: object) -> None:
    part: object = xllamacpp.CommonParams()
    for name in setting.path.split("."):  # type: ignore[attr-defined]
        part = getattr(part, name)
