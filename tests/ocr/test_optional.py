"""The one door to optional packages."""

from pathlib import Path

import pytest

from ocr import optional
from ocr.errors import MissingExtraError


def test_a_package_that_is_there_comes_back() -> None:
    assert optional.safe_import("json.decoder").__name__ == "json.decoder"


def test_a_missing_package_names_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(optional.PACKAGES, "absent_package", ("absent-package", "tracking"))
    with pytest.raises(MissingExtraError, match=r"uv pip install 'receipt-ocr\[tracking\]'"):
        optional.safe_import("absent_package")
    with pytest.raises(MissingExtraError, match="uv pip install unheard_of"):
        optional.safe_import("unheard_of")


@pytest.mark.parametrize("damage", ["from . import lost_part", "raise OSError('libgone.so')", "import os; os.no_such"])
def test_a_damaged_package_is_told_from_a_missing_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "damaged_one").mkdir()
    (tmp_path / "damaged_one/__init__.py").write_text(damage)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingExtraError, match=r"installed but damaged .* --reinstall damaged_one"):
        optional.safe_import("damaged_one")
    monkeypatch.setattr(
        optional, "PACKAGES", {"json": ("json", "x"), "damaged_one": ("damaged_one", "x"), "gone": ("g", "x")}
    )
    assert [row.state for row in optional.status()] == ["ok", "damaged", "missing"]
    assert optional.main() == 1
    assert "1/3 available" in capsys.readouterr().out
