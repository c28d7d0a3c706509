"""Names of files that go into a sandbox or come out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from symposia.tools.sandbox.files import check_name


@given(st.text(alphabet="ab./\\\0~", max_size=12))
def test_a_name_that_passes_is_a_path_inside(name: str) -> None:
    try:
        assert check_name(name) == name
    except ValueError:
        return
    parts = name.split("/")
    assert all(part and part not in (".", "..") for part in parts)
    assert "\0" not in name
