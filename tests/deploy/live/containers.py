"""Images built by buildah and containers run by podman, with a storage of their own.

The public base images are not needed: where no registry answers, `tests/deploy/base-image` makes stand-ins from Debian.
Environment: REWARD_SERVICE_TEST_STORAGE keeps images between runs; REWARD_SERVICE_TORCH_LINKS is a folder with a wheel of
torch for the CPU, for machines that do not reach PyTorch's own index.
"""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

from tests.deploy.live.programs import call, needed
from tests.deploy.rendered import ROOT

STORAGE = '[storage]\ndriver = "overlay"\ngraphroot = "{0}/graph"\nrunroot = "{0}/run"\n'
# No systemd and no CAP_SYS_RESOURCE are asked for, so that it also runs inside a container.
CONTAINERS = """
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
HARDENED = ("--read-only", "--tmpfs", "/tmp:rw,noexec,nosuid,size=64m", "--cap-drop", "ALL")
BOUNDED = ("--security-opt", "no-new-privileges", "--memory", "512m", "--pids-limit", "128")


class Engine:
    """buildah and podman in one storage."""

    def __init__(self, folder):
        needed("buildah", "podman", "runc")
        self.folder = Path(os.environ.get("REWARD_SERVICE_TEST_STORAGE", folder))
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "storage.conf").write_text(STORAGE.format(self.folder))
        (self.folder / "containers.conf").write_text(CONTAINERS)
        self.environment = os.environ | {
            "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"),
            "CONTAINERS_CONF": str(self.folder / "containers.conf"),
        }

    def podman(self, *arguments):
        return call("podman", *arguments, env=self.environment)

    def base(self):
        """Have the base images, or make stand-ins for them."""
        if not shutil.which("debootstrap"):
            needed("debootstrap")
        call(ROOT / "tests" / "deploy" / "base-image", self.folder / "base", env=self.environment)

    def build(self, target, name, *options):
        """Build a target; returns seconds."""
        began = time.monotonic()
        call(
            *("buildah", "build", "--isolation", "chroot", "--format", "docker", "--layers", "--pull-never"),
            *("--network", "host", "--target", target, "-f", ROOT / "docker" / "Dockerfile", "-t", name),
            *(*options, ROOT),
            env=self.environment,
        )
        return time.monotonic() - began

    def inspect(self, image):
        (found,) = json.loads(self.podman("image", "inspect", image))
        return found

    def compressed_mb(self, image):
        """Size as a registry would hold it."""
        file = self.folder / "image.tar"
        call("podman", "save", "--format", "docker-archive", "-o", file, image, env=self.environment)
        try:
            with subprocess.Popen(["gzip", "-c", file], stdout=subprocess.PIPE) as zipped:
                size = sum(len(piece) for piece in iter(lambda: zipped.stdout.read(1 << 20), b""))
        finally:
            file.unlink()
        return size / 1e6
