"""What one character becomes when it is folded, as UTF-8 bytes: a table filled from the reference as characters are met.

A byte of folded text also says what folding forgets and mentions need: an ASCII capital stays one until the very end, and a space
that was more than a blank or a hyphen has a code of its own.
"""

import threading
from typing import Final

import numpy as np

from entity_index.folding import APOSTROPHE, fold_char, is_mark, stands_alone
from reward_service.core.matching.arrays import Bytes, Codes, Mask, Positions, positions

SEP, STRONG_SPACE, SPACE, QUOTE = 0x01, 0x1F, ord(" "), ord(APOSTROPHE)
SOFT = " -\u2010\u2011"  # what may stand inside a name
UTF_8 = ("utf-8", "surrogatepass")
"""Codec and error handler: any string can be written, lone surrogates too."""
WIDEST: Final = 4  # bytes of a character
LETTERS = 26
LOWER = 0x20  # an ASCII letter with this bit is small
FIRST_LEAD = 0xC0  # the least first byte of a character beyond ASCII

# Traits of a character.
STRONG = 1  # a capital
CASELESS = 2  # a letter of a script without capitals
ALONE = 4  # a token of its own
JOINS = 8  # a mark, which combines with the character before it
GONE = 16  # it becomes nothing
MANY = 32  # it becomes more bytes than it had
# A character that folds to others has what each of them has, so these can be asked of either.


def _folded(char: str) -> str:
    """Return what a character becomes; what parts segments stays."""
    return char if ord(char) == SEP else fold_char(char)


def _code(folded: str, char: str) -> bytes:
    """Return the bytes of one folded character that came from `char`."""
    if folded == " ":
        return bytes([SPACE if char in SOFT else STRONG_SPACE])
    return (folded.upper() if folded.isascii() and char.isupper() else folded).encode()


def coded(char: str) -> bytes:
    """Return the bytes that a character becomes."""
    return b"".join(_code(folded, char) for folded in _folded(char))


def traits_of(char: str) -> int:
    """Return the traits of a character."""
    folded = _folded(char)
    return (
        STRONG * char.isupper()
        | CASELESS * any(c.isalpha() and c.lower() == c.upper() for c in folded)
        | ALONE * any(map(stands_alone, folded))
        | JOINS * any(map(is_mark, folded))
        | GONE * (not folded)
        | MANY * (len(coded(char)) > width_of(char))
    )


def width_of(char: str) -> int:
    """Return how many bytes a character has."""
    return len(char.encode(*UTF_8))


ASCII_CODES = b"".join(coded(chr(code)) for code in range(128)) + bytes(range(128, 256))
"""For `bytes.translate`: ASCII becomes one code each, what is beyond stays."""
WIDTH = np.array([1] * 0xC0 + [2] * 0x20 + [3] * 0x10 + [4] * 0x10, dtype=np.int64)
"""How many bytes a character has, by its first byte."""


def to_text(codes: Bytes) -> Bytes:
    """Return the folded text: a byte for each code. Arithmetic on bytes takes a quarter of the time of `bytes.translate`."""
    text: Bytes = (codes - np.uint8(ord("A")) < LETTERS).view(np.uint8) * np.uint8(LOWER)
    text |= codes
    text += (codes == STRONG_SPACE).view(np.uint8) * np.uint8(SPACE - STRONG_SPACE)
    return text


def _array(text: bytes) -> Bytes:
    return np.frombuffer(text, dtype=np.uint8)


class Characters:
    """The characters beyond ASCII that were met, numbered from 1.

    The tables grow by being replaced, so ask for numbers before you read one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._number = np.zeros(0x110000, dtype=np.uint32)
        self.traits: Bytes = np.zeros(1, dtype=np.uint8)
        self.first: Bytes = np.zeros((1, WIDEST), dtype=np.uint8)
        """What is written over each character: shape (characters, WIDEST), with spaces or zeros for what is over; MANY stay."""
        self.longer: Bytes = np.empty(0, dtype=np.uint8)
        """What those become that do not fit their own bytes, end to end."""
        self.longer_span: Positions = np.zeros((1, 2), dtype=np.int64)

    def numbers(self, codes: Codes) -> Codes:
        """Return the numbers of these code points."""
        numbers = self._number[codes]
        if not numbers.all():
            with self._lock:
                for code in np.unique(codes[self._number[codes] == 0]).tolist():
                    self._enter(code)
            numbers = self._number[codes]
        return numbers

    def _enter(self, code: int) -> None:
        """Enter one character; its number is published last, as others may be reading."""
        char = chr(code)
        codes, traits, longer = coded(char), traits_of(char), b""
        over = codes[-1:] if _folded(char) == " " else b"\0"
        if traits & MANY:
            codes, longer = char.encode(), codes
        self.longer = np.append(self.longer, _array(longer))
        span = np.array([[self.longer_span[-1, 1], len(self.longer)]])
        self.longer_span = np.concatenate((self.longer_span, span))
        self.first = np.concatenate((self.first, _array(codes.ljust(WIDEST, over))[None]))
        self.traits = np.append(self.traits, np.uint8(traits))
        self._number[code] = len(self.traits) - 1


CHARACTERS = Characters()


def numbers_at(text: Bytes, first: Positions) -> Codes:
    """Return the numbers of the characters beyond ASCII that begin at these bytes of UTF-8."""
    head = text[first].astype(np.int32)
    width = WIDTH[head].astype(np.int32)
    codes: Codes = head & (0x7F >> width)
    for step in range(1, int(width.max(initial=1))):
        more = text[np.minimum(first + step, len(text) - 1)] & 0x3F
        codes = np.where(width > step, codes << 6 | more, codes)
    return CHARACTERS.numbers(codes)


def have(text: Bytes, first: Positions, trait: int) -> Mask:
    """Return which of the characters that begin at these bytes are beyond ASCII and have a trait."""
    found = text[first] >= FIRST_LEAD
    beyond = positions(found)
    numbers = numbers_at(text, first[beyond])
    found[beyond] = CHARACTERS.traits[numbers] & trait != 0
    return found
