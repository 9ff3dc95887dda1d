"""The benchmark's bookkeeping: what counts as done, what is made again, in what order, and how it stops."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

from specgen.errors import InputError

FOLDER = Path(__file__).resolve().parents[2] / "reports"


@pytest.fixture(scope="module")
def jobs():
    spec = importlib.util.spec_from_file_location("coding_jobs", FOLDER / "jobs.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["coding_jobs"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["coding_jobs"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


CPU = min(os.sched_getaffinity(0))


def writes(name, text="1"):
    """Arguments of a python that appends to a file."""
    return ("-c", f"open({name!r}, 'a').write({text!r})")


def test_a_job_is_done_once(jobs, folder):
    job = jobs.Job("a", writes("out"), Path("out"))
    assert not job.finished
    for _ in range(2):
        jobs.make_all([job], [CPU])
    assert job.finished
    assert Path("out").read_text() == "1"


def test_a_file_that_is_there_is_not_enough(jobs, folder):
    Path("out").write_text("old")
    jobs.make_all([jobs.Job("a", writes("out"), Path("out"))], [CPU])
    assert Path("out").read_text() == "old1"


@pytest.mark.parametrize("what", ["a file that it reads", "a configuration that it names", "the command"])
def test_what_has_changed_is_made_again(what, jobs, folder):
    Path("table.csv").write_text("a")
    Path("run.yaml").write_text("a: 1")
    command = (*writes("out"), "run.yaml")
    jobs.make_all([jobs.Job("a", command, Path("out"), (Path("table.csv"),))], [CPU])
    if what == "the command":
        command = (*command, "more")
    else:
        Path("table.csv" if what == "a file that it reads" else "run.yaml").write_text("b")
    jobs.make_all([jobs.Job("a", command, Path("out"), (Path("table.csv"),))], [CPU])
    assert Path("out").read_text() == "11"


def test_a_configuration_that_changes_meanwhile_leaves_it_undone(jobs, folder):
    Path("run.yaml").write_text("a: 1")
    command = ("-c", "open('out', 'w').close(); open('run.yaml', 'w').write('a: 2')", "run.yaml")
    job = jobs.Job("a", command, Path("out"))
    jobs.make_all([job], [CPU])
    assert not job.finished


def test_later_jobs_wait_for_theirs(jobs, folder):
    later = jobs.Job("b", ("-c", "open('second', 'w').write(open('first').read())"), Path("second"))
    jobs.make_all([jobs.Job("a", writes("first"), Path("first"), more=(later,))], [CPU, CPU])
    assert Path("second").read_text() == "1"


def test_what_fails_is_said_and_holds_back_what_needs_it(jobs, folder, capsys):
    later = jobs.Job("b", writes("second"), Path("second"))
    bad = jobs.Job("a", ("-c", "raise SystemExit(3)"), Path("first"), more=(later,))
    with pytest.raises(SystemExit, match="1 jobs failed"):
        jobs.make_all([bad, jobs.Job("c", writes("third"), Path("third"))], [CPU])
    assert "FAILED, see" in capsys.readouterr().out
    assert Path("third").exists()
    assert not Path("second").exists()


def test_a_stopped_board_hands_out_nothing(jobs):
    board = jobs.Board([jobs.Job("a", (), Path("x"))])
    board.stop()
    assert board.take() is None


@pytest.mark.parametrize(("state", "last"), [("same", "--resume"), ("other", "--overwrite"), ("", "--overwrite")])
def test_only_the_same_run_is_resumed(state, last, jobs, folder):
    job = jobs.Job("a", ("-c", ""), Path("run/report.html"), run="run")
    Path("run/checkpoints").mkdir(parents=True)
    Path("run/checkpoints/last.ckpt").touch()
    if state:
        job.tell("begun", job.key() if state == "same" else "0")
    assert job.begin(job.key())[-1] == last
    assert Path("run/checkpoints/last.ckpt").exists() == (state == "same")


def test_folders_that_have_to_be_empty_are_cleared(jobs, folder):
    Path("made").mkdir()
    Path("made/half.png").touch()
    jobs.make_all([jobs.Job("a", ("-c", "import os; os.mkdir('made')"), Path("made"), clear="made")], [CPU])
    assert list(Path("made").iterdir()) == []


def test_a_stage_brings_what_it_needs(jobs, folder):
    later = jobs.Job("b", writes("second"), Path("second"))
    first = jobs.Job("a", writes("first"), Path("first"), more=(later, jobs.Job("c", (), Path("third"))))
    assert [job.stage for only in jobs.chosen([first], ["b"]) for job in only.all()] == ["a", "b"]
    assert [job.stage for only in jobs.chosen([first], []) for job in only.all()] == ["a", "b", "c"]
    jobs.make_all(jobs.chosen([first], ["a"]), [CPU])
    assert [job.stage for only in jobs.chosen([first], ["b"]) for job in only.all()] == ["b"]
    with pytest.raises(InputError, match="--only d: there is no such stage; there are a, b, c"):
        list(jobs.chosen([first], ["d"]))
