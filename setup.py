"""Puts into wheels what ``setup.cfg`` cannot name: settings of runs and dataset cards, which stand at the repository's top.

They land in ``classify/_shipped``, where ``classify.shipped`` looks first. All else stands in ``setup.cfg``.
"""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

FOLDERS = ("configs", "data")


class BuildWithShipped(build_py):
    """The packages, and the shipped folders' YAML files inside ``classify``; an editable install reads the checkout's own."""

    def _shipped(self) -> dict[str, str]:
        inside = Path(self.build_lib, "classify", "_shipped")
        return {str(inside / file): str(file) for name in FOLDERS for file in sorted(Path(name).rglob("*.yaml"))}

    def run(self) -> None:
        """Build, then copy."""
        super().run()
        if not self.editable_mode:
            for target, source in self._shipped().items():
                self.mkpath(str(Path(target).parent))
                self.copy_file(source, target)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Files that are written."""
        return [*super().get_outputs(include_bytecode), *([] if self.editable_mode else self._shipped())]


setup(cmdclass={"build_py": BuildWithShipped})
