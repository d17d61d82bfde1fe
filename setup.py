"""Put the Lean library, which lives in `lean/`, into the built package as `verifier/lean/library`.

All else is in pyproject.toml.  An editable install needs no copy: `verifier.lean.command` then finds the repository's `lean/`.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE, LIBRARY = Path(__file__).parent, "lean"
KEPT = ("*.lean", "*.md", "lakefile.toml", "lean-toolchain")


class BuildWithLibrary(build_py):
    """`build_py`, then the files of the library."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib) / "verifier" / "lean" / "library"
            shutil.rmtree(target, ignore_errors=True)  # a file that is gone from the repository is gone from the wheel
            for source in self._library_files():
                place = target / source.relative_to(HERE / LIBRARY)
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, place)

    def get_source_files(self) -> list[str]:
        """What a source distribution holds, so that a wheel can be built from it."""
        return [*super().get_source_files(), *(str(path.relative_to(HERE)) for path in self._library_files())]

    def _library_files(self) -> list[Path]:
        found = (path for pattern in KEPT for path in (HERE / LIBRARY).rglob(pattern))
        return sorted(path for path in found if ".lake" not in path.relative_to(HERE).parts)


setup(cmdclass={"build_py": BuildWithLibrary})
