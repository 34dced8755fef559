"""Data sets by name: a plugin provides each as a folder of class folders."""

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
        name: name for `--data`, of lower-case letters, digits, `_` and `-`.
        folder: `module:function` that returns the path of a folder with one folder per class.
            It may draw or unpack images first; it must not download them unasked.
        source: origin and licence of the images.
    """

    name: str
    folder: str
    source: str = ""

    def path(self) -> Path:
        """Return the folder of images.

        Raises:
            DataError: the plugin fails, or returns no folder.
        """
        try:
            with redirect_stdout(sys.stderr):  # stdout belongs to tables and JSON
                found = resolve_name(self.folder)()
        except (KeyboardInterrupt, ZooError):
            raise
        except BaseException as error:  # a plugin may raise even SystemExit
            why = format_error(error)
            raise DataError(f"the data set {self.name!r} is not available: {why}") from error
        if not isinstance(found, Path | str) or not Path(found).is_dir():
            raise DataError(f"the data set {self.name!r} returned {found!r}, which is not a folder")
        return Path(found)


DATASETS = Kind(
    group="zoo.datasets",
    noun="data set",
    type=Dataset,
    listing="zoo list datasets",
)


def names_dataset(data: Path) -> bool:
    """Return whether `data` names an installed data set; a folder of that name wins."""
    return not data.is_dir() and str(data) in Claims.installed(DATASETS)


def dataset_folder(name: str) -> Path:
    """Return the folder of the installed data set `name`.

    Raises:
        RegistryError: the name is unknown or claimed twice, or its plugin is broken.
        DataError: the plugin fails.
    """
    return Claims.installed(DATASETS).entry(name).value.path()
