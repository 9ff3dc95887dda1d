"""Writing that leaves nothing half-done; what befalls whole commands is tested in ``tests/hard``."""

import os

import pytest

from specgen.errors import InputError
from specgen.files import new_folder, write_atomic


def test_a_folder_vanishes_where_no_file_can_be_opened(tmp_path):
    """Removing a folder takes handles itself."""
    resource = pytest.importorskip("resource")
    before, held = resource.getrlimit(resource.RLIMIT_NOFILE), []

    def write():
        with new_folder(tmp_path / "new") as folder:
            (folder / "a" / "b").mkdir(parents=True)
            (folder / "a" / "b" / "c.txt").write_text("c")
            most = max(int(name) for name in os.listdir("/dev/fd")) + 2
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, before[1]))
            while True:
                held.append(os.open(os.devnull, os.O_RDONLY))

    try:
        with pytest.raises(InputError, match=r"new: cannot be written \(Too many open files\)"):
            write()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for handle in held:
            os.close(handle)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_pipes_are_not_replaced_but_links(tmp_path):
    """Whoever reads the pipe would wait for ever."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="pipe: is a device or a pipe; expected the name of a file"):
        write_atomic(tmp_path / "pipe", "x")
    assert [(path.name, path.is_fifo()) for path in tmp_path.iterdir()] == [("pipe", True)]
    (tmp_path / "link").symlink_to("target")
    write_atomic(tmp_path / "link", "x")
    assert (tmp_path / "link").read_text() == "x"
    assert not (tmp_path / "target").exists()
