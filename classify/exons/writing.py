"""A new HDF5 file that is whole or not there. What is in it is decided in ``preparing``, and read in ``prepared``."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from specgen.files import replacing

__all__ = ["new_hdf5"]


@contextmanager
def new_hdf5(path: Path) -> Iterator[Any]:
    """An open ``h5py.File`` under a temporary name, which takes the place of ``path`` when the block ends well.

    Raises
    ------
    InputError
        When the place cannot be written to, or is full.
    """
    import h5py  # slow to import

    with replacing(path) as temporary:
        file = h5py.File(temporary, "w")
        try:
            yield file
            _close(file)
        except OSError as error:
            # HDF5 tells its whole state over several lines; the system's reason is what matters.
            number = error.errno or errno.EIO
            raise OSError(number, os.strerror(number)) from None
        finally:
            with suppress(OSError):
                _close(file)


def _close(file: Any) -> None:
    try:
        file.close()
    except RuntimeError as error:  # what is left to write does not fit; HDF5 has the reason in its text
        told = re.search(r"errno = (\d+)", str(error))
        raise OSError(int(told[1]) if told else errno.ENOSPC, str(error)) from None
