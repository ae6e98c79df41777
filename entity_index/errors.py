"""What can go wrong with ground truth.

    EntityIndexError
    ├── InvalidName         a data set or version name is not safe as a file name and key
    ├── InvalidAddress      a URL or prefix names no Redis
    ├── InvalidRecord       a record cannot be ground truth
    ├── UnreadableInput     a file or folder of questions cannot be read at all
    ├── NothingKept         no line of the input was a question
    ├── UnknownDataset      no such data set
    ├── UnknownVersion      no such version, or none is active
    ├── VersionExists       a version of this name has different content
    ├── VersionActive       the active version cannot be dropped
    ├── IndexUnreachable    the index does not answer; later it may
    └── CorruptIndex        what is stored cannot be trusted
        ├── CorruptEntry    one record is damaged
        └── CodecMismatch   written in another version of the codec

Nothing here ever becomes an empty answer: a question that cannot be read is not a question without entities.
"""

# the names are what went wrong, as a caller catches it; only the root says that it is an error


class EntityIndexError(Exception):
    """Base class of errors about ground truth; the message is one sentence for the user."""


class InvalidName(EntityIndexError):
    """A data set or version name is not safe as a file name and key."""


class InvalidAddress(EntityIndexError):
    """A URL or prefix names no Redis; the message does not repeat the URL, because it may contain a password."""


class InvalidRecord(EntityIndexError):
    """A record cannot be ground truth; the message names the reason and no value, so that reasons can be counted."""


class UnreadableInput(EntityIndexError):
    """A file or folder of questions is broken as a whole, or needs a package that is not installed."""


class NothingKept(EntityIndexError):
    """No line of the input was a question, so there is no version to publish."""


class UnknownDataset(EntityIndexError):
    """The index has no data set of this name."""


class UnknownVersion(EntityIndexError):
    """The data set has no version of this name, or none is active."""


class VersionExists(EntityIndexError):
    """A version of this name already exists with different content, and versions are immutable."""


class VersionActive(EntityIndexError):
    """The active version cannot be dropped."""


class IndexUnreachable(EntityIndexError):
    """The index does not answer, or rejects the call; the same call may succeed later."""


class CorruptIndex(EntityIndexError):
    """The stored data cannot be trusted."""


class CorruptEntry(CorruptIndex):
    """One stored record is damaged."""


class CodecMismatch(CorruptIndex):
    """A record or version was written in another version of the codec."""


def sentence(error: Exception) -> str:
    """Return one sentence that says what is wrong; an error of the operating system begins with its file."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)
