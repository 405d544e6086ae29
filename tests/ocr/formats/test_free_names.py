"""Names of results: none twice, none that is an input."""

from pathlib import Path

from ocr.formats.free_names import FreeNames


def test_a_name_is_given_once_and_what_an_earlier_run_wrote_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"of an earlier run")
    names = FreeNames()
    assert [names.take(tmp_path, "a", ".pdf").name for _ in range(3)] == ["a.pdf", "a-2.pdf", "a-3.pdf"]


def test_an_input_keeps_its_name_by_whatever_path(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    for name in ("a.pdf", "a-2.pdf"):
        (tmp_path / "real" / name).write_bytes(b"mine")
    names = FreeNames([tmp_path / "link" / "a.pdf"])
    assert names.is_input(tmp_path / "real" / ".." / "real" / "a.pdf")
    assert names.take(tmp_path / "real", "a", ".pdf").name == "a-3.pdf"  # a-2 may be somebody's too
