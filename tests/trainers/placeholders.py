"""Packages that need a GPU, as empty modules, so that a trainer's modules can be imported; nothing of them is called."""

import importlib.abc
import importlib.machinery
import sys
import types


class Placeholder(types.ModuleType):
    __path__ = ()
    __version__ = "0"

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {"__init__": lambda self, *args, **kwargs: None})


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, names):
        self.names = names

    def find_spec(self, name, path=None, target=None):
        return (
            importlib.machinery.ModuleSpec(name, self, is_package=True)
            if name.split(".")[0] in self.names
            else None
        )

    def create_module(self, spec):
        return Placeholder(spec.name)

    def exec_module(self, module):
        """Nothing is in it."""


def install(*names):
    sys.meta_path.insert(0, Finder(names))
