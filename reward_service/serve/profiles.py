"""The available profiles, shipped or read from a folder, and the lookup of one by name, path or pin.

A file contains the profile of its own name: `mine.yaml` contains `mine`. It is read once, at start. A changed file has a
different digest, so anything pinned to the old content is refused and never rewarded differently.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from reward_service.core.names import FILE_ENDINGS, is_path
from reward_service.core.profiles import Profile, parse_profile, shipped
from reward_service.serve import errors, plugins
from reward_service.serve.config import Settings
from reward_service.serve.plugins import Loaded, bound

Origin = Literal["shipped", "folder"]


@dataclass(frozen=True, slots=True)
class Profiles:
    """The profiles of a process."""

    known: Mapping[str, Profile]
    """By name."""
    default: str
    """Name of the profile that is used if a call names none."""
    plugins: Mapping[str, Loaded] = field(default_factory=dict)
    """By the name of the signal that each gives."""

    def named(self, name: str | None) -> Profile:
        """Return a profile by name, the default one for None.

        Raises:
            UnknownProfile: there is none of that name.
        """
        wanted = name or self.default
        if wanted not in self.known:
            raise errors.UnknownProfile(
                self._available(), path="/profile"
            )  # without the name: a reply echoes nothing
        return self.known[wanted]

    def _available(self) -> str:
        return f"available profiles: {', '.join(self.known)}"

    def pinned(self, name: str | None, digest: str | None) -> Profile:
        """Return a profile if its digest is the pinned one; None accepts any digest.

        Raises:
            UnknownProfile: there is none of that name.
            ProfileMismatch: it has another digest.
        """
        profile = self.named(name)
        if digest is not None and digest != profile.digest:
            raise errors.ProfileMismatch(
                f"the digest on this replica is {profile.digest}", path="/profile/digest"
            )
        return profile

    def resolve(self, given: str | None) -> Profile:
        """Return the profile that a command line gives by name or as the path of a file, the default one for None.

        Raises:
            UnknownProfile: there is none of that name.
            BadProfile: the file does not contain a usable profile.
            OSError: the file cannot be read.
        """
        if given is None or given in self.known:
            return self.named(given)
        if is_path(given):
            return bound(read_profile(Path(given)), self.plugins)
        if Path(given).is_file():
            raise errors.BadProfile(
                f"{given}: the name of a profile's file must end in {' or '.join(FILE_ENDINGS)}"
            )
        raise errors.UnknownProfile(f"got {given!r}; {self._available()}")


def origin_of(profile: Profile) -> Origin:
    """Return where a profile comes from."""
    return "shipped" if profile.name in shipped() else "folder"


def load(settings: Settings) -> Profiles:
    """Return the shipped profiles and those of the settings' folder, by name, sorted.

    Raises:
        FileNotFoundError: there is no such folder.
        BadProfile: a file in it does not contain a usable profile.
        BadPlugin: a plug-in that the settings name cannot be used.
        OSError: a file in it cannot be read.
    """
    loaded = plugins.load(settings.plugins)
    read = {} if settings.profiles is None else read_folder(settings.profiles)
    own = {name: bound(profile, loaded) for name, profile in read.items()}
    return Profiles(dict(sorted({**own, **shipped()}.items())), settings.default_profile, loaded)


def read_folder(folder: Path) -> dict[str, Profile]:
    """Return the profiles of a folder's YAML files by name; other files, hidden ones and folders are ignored.

    Raises:
        FileNotFoundError: there is no such folder.
        BadProfile: a file does not contain a usable profile, or two files contain the same name.
        OSError: a file cannot be read.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"the folder of profiles does not exist: {folder}")
    found: dict[str, Profile] = {}
    for path in sorted(filter(_holds_a_profile, folder.iterdir())):
        profile = read_profile(path)
        if profile.name in found:
            raise errors.BadProfile(f"{path}: another file also contains the profile {profile.name!r}")
        found[profile.name] = profile
    return found


def _holds_a_profile(path: Path) -> bool:
    return path.suffix in FILE_ENDINGS and not path.name.startswith(".") and not path.is_dir()


def read_profile(path: Path) -> Profile:
    """Return the profile of a file.

    Raises:
        BadProfile: it contains no profile, one of another name, or one with a shipped profile's name and different content;
            the message has the path of the file, and of the key if one is wrong.
        OSError: it cannot be read.
    """
    text = path.read_bytes()
    try:
        profile = parse_profile(text.decode("utf-8"))
    except ValueError as error:
        raise errors.BadProfile(f"{path}: {error}") from None
    if profile.name != path.stem:
        raise errors.BadProfile(
            f"{path}: profile.name must be {path.stem!r}, the name of the file, got {profile.name!r}"
        )
    namesake = shipped().get(profile.name)
    if namesake is not None and namesake.digest != profile.digest:
        raise errors.BadProfile(
            f"{path}: {profile.name!r} is the name of a shipped profile with different content: choose another name"
        )
    return profile
