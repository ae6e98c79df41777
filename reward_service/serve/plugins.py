"""Signals from plug-ins: functions of installed packages that the operator names in the settings, never a request.

A package offers one as an entry point of the group `reward_service.signals`; its name is that of the signal. Plug-ins belong
to profiles of files: a shipped profile means the same everywhere, so it gets no signal from a plug-in.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from typing import NamedTuple

from reward_service.core.measured import Plugin
from reward_service.core.profiles import PluginPin, Profile
from reward_service.core.signals import MEASURED, SIGNALS
from reward_service.core.types import Rollout
from reward_service.serve.errors import BadPlugin, BadProfile, SignalConflict

GROUP = "reward_service.signals"


class Loaded(NamedTuple):
    """A plug-in, ready to be asked."""

    function: Plugin
    pin: PluginPin


def load(names: Iterable[str]) -> dict[str, Loaded]:
    """Return the plug-ins of these names.

    Raises:
        BadPlugin: no installed package offers it, or several do; its name belongs to a signal that is measured here; or it
            cannot be imported.
    """
    return {name: _loaded(name) for name in names}


def _loaded(name: str) -> Loaded:
    found = [one for one in entry_points(group=GROUP) if one.name == name]
    if name in SIGNALS or name in MEASURED:
        raise BadPlugin(f"{name} is measured by the service: a plug-in needs another name")
    if len(found) != 1:
        offered = ", ".join(sorted({one.name for one in entry_points(group=GROUP)})) or "none"
        number = "no installed package offers" if not found else f"{len(found)} installed packages offer"
        raise BadPlugin(f"{number} the signal {name} (entry points {GROUP}: {offered})")
    [entry] = found
    return Loaded(_imported(entry), _pin(entry))


def _pin(entry: EntryPoint) -> PluginPin:
    package = entry.dist
    assert package is not None  # noqa: S101  # entry points of installed packages have one
    return PluginPin(entry.name, package.name, package.version)


def _imported(entry: EntryPoint) -> Plugin:
    try:
        function = entry.load()
    except (
        Exception
    ) as error:  # the package is not ours: whatever is wrong with it, the operator reads one sentence
        raise BadPlugin(
            f"the plug-in {entry.name} cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    if not callable(function):
        raise BadPlugin(f"the plug-in {entry.name} is no function: {entry.value}")
    plugin: Plugin = function
    return plugin


def bound(profile: Profile, plugins: Mapping[str, Loaded]) -> Profile:
    """Return the profile of a file with the plug-ins that give its signals, which its digest then covers.

    Raises:
        BadProfile: the file names other versions than those installed.
    """
    pins = tuple(plugins[name].pin for name in profile.signals if name in plugins)
    if profile.plugins and set(profile.plugins) != set(pins):
        asked, there = (
            ", ".join(f"{pin.signal} of {pin.package} {pin.version}" for pin in one) or "none"
            for one in (profile.plugins, pins)
        )
        raise BadProfile(f"profile.plugins asks for {asked}; in use are {there}")
    return replace(profile, plugins=pins)


def check_sent(rollouts: Sequence[Rollout], pins: Sequence[PluginPin], path: str) -> None:
    """Refuse a group in which a rollout sends a number that a plug-in gives.

    Raises:
        SignalConflict: with the path of the number.
    """
    for n, rollout in enumerate(rollouts):
        if sent := [pin for pin in pins if pin.signal in rollout.signals]:
            raise SignalConflict(
                f"the service gets {sent[0].signal} from the plug-in of {sent[0].package}: do not send it",
                path=f"{path}/rollouts/{n}/signals/{sent[0].signal}",
            )
