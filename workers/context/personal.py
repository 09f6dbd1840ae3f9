"""What in a text points at a person: e-mail and public IP addresses, phone numbers, cards, bank accounts.

Numbers are told from other numbers by their check digits and the form people write them in; what is reserved
for examples belongs to nobody.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Final

Found = tuple[int, int, str]
"""Start, end and label."""

_LOCAL: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+-"
_LONGEST_LOCAL: Final = 64
_DOMAIN: Final = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![\w-])"
)
_IN_URL: Final = re.compile(r"://[^\s/]*\Z")
"""What stands before the user or password of a URL."""
_LONGEST_USER: Final = 100
_NOBODY: Final = frozenset({"git", "hg", "svn", "noreply", "no-reply", "donotreply", "postmaster"})
_RESERVED: Final = re.compile(
    r"(?:.*\.)?(?:example\.(?:com|org|net)|example|test|invalid|localhost|local|users\.noreply\.github\.com)",
    re.IGNORECASE,
)
_FILE_ENDINGS: Final = frozenset({"png", "jpg", "jpeg", "svg", "gif", "webp", "js", "ts", "py", "json"})


def personal(text: str) -> Iterator[Found]:
    """All of it, in no order; nothing reaches over a line's end."""
    yield from _emails(text)
    yield from _numbers(text)
    yield from _accounts(text)


def _emails(text: str) -> Iterator[Found]:
    at = -1
    while (at := text.find("@", at + 1)) >= 0:
        window = text[max(0, at - _LONGEST_LOCAL) : at]
        local = window[len(window.rstrip(_LOCAL)) :].lstrip(".%+-")
        if not local or text[at + 1 : at + 2] in ("", " ", "\n"):
            continue
        start, domain = at - len(local), _DOMAIN.match(text, at + 1)
        if domain is None or _belongs_to_nobody(local, domain[0]):
            continue
        if not _IN_URL.search(text, max(0, start - _LONGEST_USER), start):
            yield start, domain.end(), "EMAIL"


def _belongs_to_nobody(local: str, domain: str) -> bool:
    ending = domain.rpartition(".")[2].lower()
    return local.lower() in _NOBODY or ending in _FILE_ENDINGS or _RESERVED.fullmatch(domain) is not None


_RUN: Final = re.compile(r"[+(]?\d[\d ().-]{6,}")
_CARD: Final = (
    r"\d{4}(?P<sep>[ -]?)\d{4}(?P=sep)\d{4}(?P=sep)\d{1,7}|3[47]\d\d(?P<gap>[ -]?)\d{6}(?P=gap)\d{5}"
)
_SHAPES: Final = re.compile(
    r"(?P<PHONE>\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,12}){1,5}"
    r"|(?:\(\d{3}\) ?|\d{3}-)\d{3}-\d{4})"
    r"|(?P<IP>\d{1,3}(?:\.\d{1,3}){3})"
    rf"|(?P<CARD>{_CARD})"
)


def _numbers(text: str) -> Iterator[Found]:
    for run in _RUN.finditer(text):
        for match in _SHAPES.finditer(text, *run.span()):
            label = next(name for name in _IS if match[name])
            if _stands_alone(text, *match.span()) and _IS[label](text, *match.span()):
                yield *match.span(), label


def _stands_alone(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start] if start else "", text[end : end + 2]
    return not (
        before.isalnum()
        or before in ("_", ".", "-", "+", "/", "=", "^", "~")
        or after[:1].isalnum()
        or after[:1] in ("_", "-")
        or (after[:1] == "." and after[1:].isalnum())
    )


def _is_phone(text: str, start: int, end: int) -> bool:
    """A diff's added line begins with a plus sign too."""
    digits = sum(char.isdigit() for char in text[start:end])
    plus = text[start] == "+"
    added = plus and (start == 0 or text[start - 1] == "\n")
    return 8 <= digits <= 15 and not added and (not plus or text[start + 1] != "0")


def _is_public(text: str, start: int, end: int) -> bool:
    """An address that is somebody's: a version with four parts begins low or stands behind its word."""
    try:
        address = ipaddress.IPv4Address(text[start:end])
    except ValueError:
        return False
    word = text[max(0, start - 12) : start].lower()
    versioned = word.endswith("v") or "version" in word or "release" in word or int(address) >> 24 < 11
    return (
        address.is_global
        and not address.is_multicast
        and not versioned
        and not text[start:end].endswith(".0")
    )


_ISSUERS: Final = re.compile(
    r"4|5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|3[47]|6(?:011|4[4-9]|5)|35(?:2[89]|[3-8])"
)


def _is_card(text: str, start: int, end: int) -> bool:
    """By issuer, length and Luhn's check digit."""
    digits = [int(char) for char in text[start:end] if char.isdigit()]
    doubled = [n * 2 - 9 * (n > 4) for n in digits[-2::-2]]
    lengths = (15,) if digits[0] == 3 and digits[1] in (4, 7) else (13, 16, 19) if digits[0] == 4 else (16,)
    return (
        len(digits) in lengths
        and len(set(digits)) > 1
        and _ISSUERS.match("".join(map(str, digits))) is not None
        and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
    )


_IS: Final[dict[str, Callable[[str, int, int], bool]]] = {
    "PHONE": _is_phone,
    "IP": _is_public,
    "CARD": _is_card,
}

_ACCOUNT: Final = re.compile(r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}")
_LENGTHS: Final = {
    "AE": 23, "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "EE": 20,
    "ES": 24, "FI": 18, "FR": 27, "GB": 22, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IS": 26,
    "IT": 27, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MT": 31, "NL": 18, "NO": 15, "PL": 28,
    "PT": 25, "RO": 24, "SA": 24, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "TR": 26,
}  # fmt: skip
"""How long an account's number is, by country; others are not looked for."""


def _accounts(text: str) -> Iterator[Found]:
    """IBANs: the country's length, and 1 as the remainder by 97."""
    for match in _ACCOUNT.finditer(text):
        length = _LENGTHS.get(match[0][:2], 0)
        end = _after(match, length)
        if end and _stands_alone(text, match.start(), end) and _remainder(text[match.start() : end]) == 1:
            yield match.start(), end, "IBAN"


def _after(match: re.Match[str], length: int) -> int:
    """Where a number of so many letters and digits ends; 0 where it is too short."""
    places = [at for at, char in enumerate(match[0]) if char != " "]
    return match.start() + places[length - 1] + 1 if 0 < length <= len(places) else 0


def _remainder(account: str) -> int:
    compact = account.replace(" ", "")
    return int("".join(str(int(char, 36)) for char in compact[4:] + compact[:4])) % 97
