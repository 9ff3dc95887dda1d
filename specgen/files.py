"""Files: writing that never leaves half of one, and the one setting that says where real data lies."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from filelock import FileLock, Timeout

from specgen.errors import InputError

__all__ = [
    "DATA_VARIABLE",
    "HELD",
    "PASSING",
    "Growth",
    "alone",
    "check_letters",
    "check_place",
    "expand",
    "finite",
    "free_lock",
    "new_folder",
    "overgrown",
    "parse_json",
    "read_json",
    "replacing",
    "take_lock",
    "write_atomic",
]

DATA_VARIABLE = "SPECGEN_DATA"
"""Environment variable naming the folder of real data sets; "../shared/data" where it is not set."""


class Growth(NamedTuple):
    """What a compressed file may become: ``safe`` bytes whatever its size, beyond them so many ``times`` its own size."""

    safe: int
    times: int


PASSING = Growth(1 << 26, 200)
"""For what is read in passing. Contigs begin with as many as 17 million N (human chr15), of which gzip makes a thousandth, and
genotypes of thousands of samples a fiftieth; with one line again and again it reaches 340, with one letter 1032."""

HELD = Growth(1 << 24, 40)
"""For tables, the rows of which are held: as objects short ones take thirty times their letters. Real ones stay below 20."""

SPARE = 4
"""Handles kept back while a folder is written: where there are no others left, it takes these to remove it (one for each level
of folders, and one more)."""


def expand(path: str) -> Path:
    """A path with ``~`` and environment variables filled in; ``$SPECGEN_DATA`` has a default."""
    os.environ.setdefault(DATA_VARIABLE, "../shared/data")
    return Path(os.path.expandvars(path)).expanduser()


def overgrown(size: int, packed: int, growth: Growth = PASSING) -> bool:
    """Whether ``size`` bytes are more than ``packed`` bytes of a file can well stand for."""
    return size > growth.safe and size > growth.times * packed


def check_place(path: Path) -> None:
    """Refuse devices and pipes (``InputError``): a file would take their place, and whoever reads them would wait for ever."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise InputError(
            f"{path}: is a device or a pipe; expected the name of a file (- is standard output where that can be)"
        )


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends well, and vanishes when it does not.

    Raises
    ------
    InputError
        When the place cannot be written to, or is full, or something lies there that is neither file nor folder.
    """
    check_place(path)
    temporary = path.with_name(f".{path.name[:200]}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(temporary)  # perhaps a link, through which another file would be written
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        _discard(temporary)
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None
    except BaseException:
        _discard(temporary)
        raise


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A temporary folder that takes the place of ``path`` when the block ends well, and vanishes when it does not.

    Raises
    ------
    InputError
        ``path`` holds something: numbered files of an earlier call would be taken for this one's. Or it cannot be written to.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise InputError(f"{path}: holds something already; expected the name of a new folder")
    with replacing(path) as temporary, ExitStack() as spare:
        temporary.mkdir()
        for _ in range(SPARE):
            spare.enter_context(open(os.devnull, "rb"))
        try:
            yield temporary
        except InputError as error:
            if str(temporary) not in str(error):
                raise
            raise InputError(str(error).replace(str(temporary), str(path))) from None


def take_lock(path: Path, busy: str, place: Path | str, *, again: bool = False) -> FileLock:
    """A lock file taken for this process alone, its folder made; whoever takes it releases it.

    Parameters
    ----------
    busy
        What to say where another process has it.
    place
        What to name where the file cannot be written.
    again
        Whether this process may have it already; it is then to be released as often as it was taken.

    Raises
    ------
    InputError
        Another process has it, or it cannot be written.
    """
    lock = FileLock(path, timeout=0, is_singleton=again)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise InputError(busy) from None
    except OSError as error:
        raise InputError(f"{place}: cannot be written ({error.strerror or error})") from None
    return lock


def free_lock(lock: FileLock) -> None:
    """Release a lock and take its file away: while it is held, since it may be another's the moment after."""
    if lock.lock_counter == 1:
        with suppress(OSError):
            Path(lock.lock_file).unlink()
    lock.release()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """A folder for this process alone, made where it is not there, and gone again where nothing is written into it.

    Whoever is in may come in again. A process that is killed holds nothing any more.

    Raises
    ------
    InputError
        Another process is in, or it cannot be written to.
    """
    absent = [place for place in (folder, *folder.parents) if not place.exists()]
    busy = f"{folder}: another process is at work in this folder"
    lock = take_lock(folder / ".lock", busy, folder, again=True)
    try:
        yield
    finally:
        free_lock(lock)
        for place in absent:
            with suppress(OSError):  # not empty
                place.rmdir()


def write_atomic(path: Path, data: str | bytes) -> Path:
    """Write a whole file or nothing: a reader never meets half of it. See ``replacing`` for errors."""
    with replacing(path) as temporary:
        temporary.write_bytes(data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data)
    return path


def read_json(path: Path, missing: str) -> dict[str, Any]:
    """A file that holds a JSON object.

    Raises
    ------
    InputError
        There is none (``missing`` says what that means), or it is damaged or holds something else.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(missing) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from None
    body = parse_json(text, path)
    if not isinstance(body, dict):
        raise InputError(f"{path}: cannot be read (expected a JSON object, got {type(body).__name__})")
    return body


def parse_json(text: str, where: Path | str) -> Any:
    """What a text of JSON holds; ``InputError`` where it is none, naming ``where``."""
    try:
        body = json.loads(text, parse_int=_whole, parse_constant=_constant)
        if "\\u" in text:
            check_letters(body)
        return body
    except RecursionError:
        raise InputError(f"{where}: cannot be read (nested too deeply)") from None
    except ValueError as error:
        raise InputError(f"{where}: cannot be read ({error})") from None


def _constant(name: str) -> NoReturn:
    """NaN and infinity, which Python writes and JSON does not know."""
    raise ValueError(f"{name} is no number of JSON")


def _whole(digits: str) -> int:
    """A whole number of JSON that a float could hold."""
    if len(digits) > 300:
        raise ValueError(f"a number of {len(digits):,} digits")
    return int(digits)


def check_letters(body: Any) -> None:
    """Refuse plain data with half a letter (a lone surrogate, which JSON and YAML can name), since no file can hold it.

    Bytes of names that are no UTF-8 are such halves, too, but of a range of their own (PEP 383).

    Raises
    ------
    ValueError
        Of a text or name in it.
    """
    json.dumps(body, ensure_ascii=False, default=str, skipkeys=True).encode("utf-8", "surrogateescape")


def finite(value: Any) -> Any:
    """Plain data as JSON can hold it: numbers that are none become None, keys text, tuples lists."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    return [finite(item) for item in value] if isinstance(value, list | tuple) else value


def _discard(temporary: Path) -> None:
    with suppress(OSError):  # the folder itself is the trouble then, and the error being raised says so
        _remove(temporary)


def _remove(temporary: Path) -> None:
    if temporary.is_dir() and not temporary.is_symlink():
        shutil.rmtree(temporary)
    else:
        temporary.unlink(missing_ok=True)
