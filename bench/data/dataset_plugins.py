"""Data sets by name: a plugin's own, as a folder of images in class folders."""

import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name

from registry.claims import Claims, Kind
from registry.errors import DataError, ZooError, format_error


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A named set of images.

    Attributes:
        name: lower-case letters, digits, `_` and `-`.
        folder: `module:function` that returns the path of a folder of images, one folder a class.
            It may draw or unpack them first; it must not fetch without being asked.
        source: where the images come from, and under which licence.
    """

    name: str
    folder: str
    source: str = ""

    def path(self) -> Path:
        """Return the folder of images; DataError if the plugin fails, or gives no folder."""
        try:
            with redirect_stdout(sys.stderr):  # stdout belongs to tables and JSON
                found = resolve_name(self.folder)()
        except (KeyboardInterrupt, ZooError):
            raise
        except BaseException as error:  # a plugin may raise even SystemExit
            raise DataError(
                f"the data set {self.name!r} can't be had: {format_error(error)}"
            ) from error
        if not isinstance(found, Path | str) or not Path(found).is_dir():
            raise DataError(f"the data set {self.name!r} gave no folder but {found!r}")
        return Path(found)


DATASETS = Kind(
    group="zoo.datasets",
    noun="data set",
    type=Dataset,
    listing="zoo list datasets",
)


def names_dataset(data: Path) -> bool:
    """Say whether `data` is the name of an installed data set; a folder of that name wins."""
    return not data.is_dir() and str(data) in Claims.installed(DATASETS)


def dataset_folder(name: str) -> Path:
    """Return the folder of the installed data set `name`.

    Raises:
        RegistryError: there is none, it is claimed twice, or its plugin is broken.
        DataError: its plugin fails.
    """
    return Claims.installed(DATASETS).entry(name).value.path()
