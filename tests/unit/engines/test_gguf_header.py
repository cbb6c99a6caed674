import contextlib
from pathlib import Path

import gguf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polychat.engines import gguf_header
from polychat.errors import SetupError
from tests.support import bert_gguf, reranker_gguf, tiny_gguf


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gguf.write(tmp_path_factory.mktemp("models") / "tiny.gguf", context_length=4096)


def test_the_header_says_how_much_a_token_costs(model: Path) -> None:
    header = gguf_header.read(model)
    assert (header.architecture, header.context_length, header.embeds) == ("llama", 4096, False)
    assert header.kv_bytes_per_token == 2 * tiny_gguf.LAYERS * tiny_gguf.WIDTH * 2  # K and V, float16


@pytest.mark.parametrize(
    ("pooling", "embeds", "ranks", "pools_last"),
    [
        (gguf.PoolingType.MEAN, True, False, False),
        (gguf.PoolingType.LAST, True, False, True),
        (gguf.PoolingType.RANK, False, True, False),
    ],
)
def test_how_a_model_pools_tells_what_it_is_for(
    tmp_path: Path, pooling: gguf.PoolingType, *, embeds: bool, ranks: bool, pools_last: bool
) -> None:
    path = bert_gguf.write(
        tmp_path / "x.gguf", reranker_gguf.SHAPE, reranker_gguf.VOCABULARY, reranker_gguf.weights(), pooling
    )
    header = gguf_header.read(path)
    assert (header.embeds, header.ranks, header.pools_last) == (embeds, ranks, pools_last)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"hello world", "it starts with b'hell'"),
        (b"GGUF\x01\x00\x00\x00" + bytes(16), "its GGUF version is 1"),
        (b"GGUF\x03\x00\x00\x00" + bytes(16), "it names no architecture"),
        (b"GGUF\x03\x00\x00\x00\x00", "not a whole GGUF file"),
    ],
)
def test_a_file_that_is_no_model_is_named_with_the_reason(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(content)
    with pytest.raises(SetupError, match=reason) as caught:
        gguf_header.read(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(SetupError, match=r"cannot read the model nowhere\.gguf: No such file"):
        gguf_header.read(Path("nowhere.gguf"))


@given(cut=st.integers(min_value=0, max_value=500))
def test_a_cut_file_is_an_error_of_ours_or_still_readable(model: Path, cut: int) -> None:
    path = model.with_name("cut.gguf")
    path.write_bytes(model.read_bytes()[:cut])
    with contextlib.suppress(SetupError):
        gguf_header.read(path)
