import contextlib
import json
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polychat.engines import safetensors_header
from polychat.engines.safetensors_header import Malformed, Tensor
from polychat.errors import SetupError
from tests.support.tiny_checkpoint import safetensors

GOOD = safetensors({"a": ("F32", [2, 3]), "b": ("BF16", [4])})


def written(folder: Path, data: bytes) -> Path:
    path = folder / "model.safetensors"
    path.write_bytes(data)
    return path


def header(**entries: object) -> bytes:
    return json.dumps(entries).encode()


def entry(begin: int, end: int, shape: list[int], dtype: str = "U8") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def test_tensors_have_their_dtype_shape_and_size(tmp_path: Path) -> None:
    tensors = safetensors_header.read(written(tmp_path, GOOD))
    assert tensors == {"a": Tensor("F32", (2, 3), 0, 24), "b": Tensor("BF16", (4,), 24, 32)}
    assert (tensors["a"].size_bytes, tensors["a"].num_values) == (24, 6)


@pytest.mark.parametrize("kept", range(len(GOOD)))
def test_a_file_cut_off_anywhere_is_refused_by_name(kept: int, tmp_path: Path) -> None:
    path = written(tmp_path, GOOD[:kept])
    with pytest.raises(
        SetupError, match=r"model\.safetensors is damaged: .*; delete it and download it again"
    ):
        safetensors_header.read(path)


def test_a_cut_off_file_says_how_much_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="it is cut off, 5 of 32 bytes of weights are missing"):
        safetensors_header.read(written(tmp_path, GOOD[:-5]))


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"cannot read .*nowhere: No such file"):
        safetensors_header.read(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("head", "data_bytes", "reason"),
    [
        (b"[]", 0, "not what safetensors files have"),
        (b'{"a": 1}', 0, "not what safetensors files have"),
        (b"\xff{}", 0, "not what safetensors files have"),
        (header(a=entry(4, 2, [2])), 4, "the place of its tensor 'a' is impossible"),
        (header(a=entry(0, 2, [-2])), 2, "the place of its tensor 'a' is impossible"),
        (header(a=entry(0, 3, [2])), 3, "its tensor 'a' has not the size of its shape"),
        (header(a=entry(0, 3, [7], "F4")), 3, "its tensor 'a' has not the size of its shape"),
        (header(a=entry(1, 3, [2])), 3, "overlap or leave holes"),
        (header(a=entry(0, 2, [2]), b=entry(1, 3, [2])), 3, "overlap or leave holes"),
        (header(a=entry(0, 2, [2])), 3, "it has 1 bytes more than its header says"),
    ],
)
def test_a_header_that_cannot_be_true_says_why(head: bytes, data_bytes: int, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        safetensors_header.parse(head, data_bytes=data_bytes)


def test_a_dtype_of_tomorrow_is_left_to_the_engine() -> None:
    assert safetensors_header.parse(header(a=entry(0, 3, [7], "F3")), data_bytes=3)["a"].dtype == "F3"


def test_a_length_that_no_header_has_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="its header is not what safetensors files have"):
        safetensors_header.read(written(tmp_path, struct.pack("<Q", 1 << 62) + b"{}"))


@given(st.binary(max_size=200))
def test_no_bytes_at_all_make_it_fail_otherwise_than_by_refusal(data: bytes) -> None:
    with contextlib.suppress(Malformed):
        safetensors_header.parse(data, data_bytes=len(data))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda part: (
            st.lists(part, max_size=3)
            | st.dictionaries(st.sampled_from(["a", "dtype", "shape", "data_offsets"]), part, max_size=4)
        ),
    ),
    st.integers(0, 100),
)
def test_no_json_at_all_makes_it_fail_otherwise_than_by_refusal(document: object, data_bytes: int) -> None:
    with contextlib.suppress(Malformed):
        safetensors_header.parse(json.dumps(document).encode(), data_bytes=data_bytes)


@given(st.lists(st.integers(0, 50), max_size=6))
def test_whatever_is_written_is_read(sizes: list[int]) -> None:
    data = safetensors({f"t{n}": ("I8", [size]) for n, size in enumerate(sizes)})
    (length,) = struct.unpack("<Q", data[:8])
    tensors = safetensors_header.parse(data[8 : 8 + length], data_bytes=len(data) - 8 - length)
    assert [tensor.size_bytes for tensor in tensors.values()] == sizes
