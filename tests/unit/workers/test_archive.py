"""An artifact's zip: read within bounds, or refused."""

import io
import zipfile

import pytest

from workers.archive import BadArchive, unpacked

NAMES = ("answer.md", "usage.json")


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def test_only_wanted_files_are_read() -> None:
    data = zipped({"answer.md": b"yes", "usage.json": b"{}", "log.txt": b"no"})
    assert unpacked(data, NAMES, 100) == {"answer.md": "yes", "usage.json": "{}"}


def test_a_bomb_is_unpacked_no_further_than_the_bound() -> None:
    data = zipped({"answer.md": b"0" * 50_000_000})
    assert len(data) < 100_000
    with pytest.raises(BadArchive, match="larger than 1000 bytes"):
        unpacked(data, NAMES, 1000)


def test_the_bound_is_for_all_files_together() -> None:
    with pytest.raises(BadArchive, match="larger"):
        unpacked(zipped({"answer.md": b"0" * 600, "usage.json": b"0" * 600}), NAMES, 1000)


@pytest.mark.parametrize("name", ["../answer.md", "/etc/passwd", "a/../../b", "..\\x", "c:/x"])
def test_a_path_that_leads_outside_is_refused(name: str) -> None:
    with pytest.raises(BadArchive, match="leads outside"):
        unpacked(zipped({name: b"x"}), NAMES, 100)


@pytest.mark.parametrize(
    "data",
    [b"", b"PK", b"junk" * 100, zipped({"answer.md": b"x" * 99})[:-30]],
    ids=["empty", "start", "junk", "cut off"],
)
def test_what_is_no_zip_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(BadArchive, match="no readable zip"):
        unpacked(data, NAMES, 100)


def test_odd_packing_and_too_many_files_are_refused() -> None:
    with pytest.raises(BadArchive, match="oddly packed"):
        unpacked(zipped({"answer.md": b"x"}, zipfile.ZIP_BZIP2), NAMES, 100)
    with pytest.raises(BadArchive, match="at most 20"):
        unpacked(zipped({f"{n}": b"" for n in range(21)}), NAMES, 100)
