"""An artifact's zip, read in memory within bounds: only files that we know by name, nothing is extracted.

Whatever an archive claims of its sizes, no more is unpacked than was allowed.
"""

import io
import zipfile
import zlib
from collections.abc import Mapping
from typing import Final

MOST_ENTRIES: Final = 20
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED: Final = 0x1


class BadArchive(ValueError):
    """The archive is none, or holds what it must not."""


def unpacked(data: bytes, wanted: tuple[str, ...], most: int) -> Mapping[str, str]:
    """The wanted files that an archive holds, as text; together at most `most` bytes. Raises `BadArchive`."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _read(archive, wanted, most)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise BadArchive(f"The artifact is no readable zip: {error}") from error


def _read(archive: zipfile.ZipFile, wanted: tuple[str, ...], most: int) -> Mapping[str, str]:
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise BadArchive(f"The artifact holds {len(entries)} files; at most {MOST_ENTRIES} are read.")
    names = [entry.filename for entry in entries]
    if len(set(names)) != len(names):
        raise BadArchive("The artifact holds two files of one name.")
    for entry in entries:
        _refuse(entry)
    texts: dict[str, str] = {}
    left = most
    for entry in entries:
        if entry.filename in wanted:
            with archive.open(entry) as file:
                content = file.read(left + 1)
            if len(content) > left:
                raise BadArchive(f"The artifact's files are larger than {most} bytes.")
            left -= len(content)
            texts[entry.filename] = content.decode("utf-8", "replace")
    return texts


def _refuse(entry: zipfile.ZipInfo) -> None:
    parts = entry.filename.replace("\\", "/").split("/")
    if entry.filename.startswith(("/", "\\")) or ".." in parts or ":" in parts[0]:
        raise BadArchive(f"The artifact holds the path {entry.filename[:100]!r}, which leads outside of it.")
    if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _METHODS:
        raise BadArchive(f"The artifact's file {entry.filename[:100]!r} is encrypted or oddly packed.")
