"""Real processes, really killed."""

import doctest
import os
import queue
import signal
import sys
import time
from subprocess import PIPE, Popen

import pytest

import portal.runner
from portal.runner import Child, Runner
from portal.runner.watch import GATE
from tests.runner.conftest import is_alive
from tests.waiting import eventually

pytestmark = pytest.mark.processes


@pytest.fixture
def lines():
    return queue.Queue()


@pytest.fixture
def say(lines):
    return lambda name, line: lines.put((name, line))


def test_the_example_in_the_package_works():
    assert doctest.testmod(portal.runner).failed == 0


def test_every_line_of_a_child_comes_with_its_name(lines, say):
    with Runner([Child("left", ["echo", "hello"]), Child("right", ["sh", "-c", "echo oops >&2"])], say=say):
        heard = {lines.get(timeout=10) for _ in range(4)}
    assert {("left", "hello"), ("right", "oops")} <= heard


def test_a_child_gets_its_environment_and_its_directory(lines, say, tmp_path):
    child = Child("child", ["sh", "-c", "echo $COLOUR in $(pwd)"], env={"COLOUR": "blue"}, cwd=tmp_path)
    with Runner([child], say=say):
        assert lines.get(timeout=10) == ("child", f"blue in {tmp_path}")


def test_a_child_that_is_killed_is_started_again_and_takes_what_it_started_with_it(family, say):
    with Runner([Child("family", family.command, drain=0.5)], say=say, pause=0.05) as runner:
        first = eventually(lambda: len(family.living()) == 3 and family.living())
        os.kill(runner.pid("family"), signal.SIGKILL)
        eventually(lambda: len(family.pids()) == 6)
        eventually(lambda: not any(is_alive(pid) for pid in first))
        assert len(family.living()) == 3
    eventually(lambda: not family.living(), 5)


def test_the_pause_before_a_start_doubles(lines, say):
    with Runner([Child("fails", ["sh", "-c", "exit 3"])], say=say, pause=0.01):
        told = [lines.get(timeout=10)[1] for _ in range(3)]
    assert told == [f"ended with status 3; starting it again in {pause:g} s" for pause in (0.01, 0.02, 0.04)]


def test_a_program_that_does_not_exist_is_named(lines, say):
    with Runner([Child("typo", ["/no/such/program"])], say=say):
        assert "/no/such/program" in lines.get(timeout=10)[1]
        assert lines.get(timeout=10)[1].startswith("ended with status 127")


def test_a_directory_that_does_not_exist_is_named(lines, say, tmp_path):
    with Runner([Child("typo", ["true"], cwd=tmp_path / "nowhere")], say=say):
        assert "nowhere" in lines.get(timeout=10)[1]


def test_children_are_stopped_in_the_opposite_order_of_their_start(lines, say):
    program = "trap 'echo bye; exit' TERM; echo up; while :; do sleep 0.05; done"
    with Runner([Child(name, ["sh", "-c", program]) for name in ("web", "pump")], say=say):
        assert {lines.get(timeout=10) for _ in range(2)} == {("web", "up"), ("pump", "up")}
    assert [lines.get(timeout=10) for _ in range(2)] == [("pump", "bye"), ("web", "bye")]


def test_only_the_head_of_a_group_is_asked_to_stop(lines, say):
    program = "sh -c 'trap \"echo hit\" TERM; echo up; sleep 1; echo finished' & trap 'wait; exit' TERM; wait"
    with Runner([Child("cluster", ["sh", "-c", program])], say=say):
        assert lines.get(timeout=10) == ("cluster", "up")
    assert lines.get(timeout=10) == ("cluster", "finished")


def test_a_child_that_does_not_listen_is_killed_after_its_drain(lines, say):
    child = Child("deaf", ["sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.05; done"], drain=0.3)
    with Runner([child], say=say) as runner:
        assert lines.get(timeout=10) == ("deaf", "up")
        pid = runner.pid("deaf")
        began = time.monotonic()
    assert 0.3 <= time.monotonic() - began < 5
    assert not is_alive(pid)


def test_one_child_can_be_added_and_stopped_while_the_others_run(family, say):
    with Runner(say=say) as runner:
        runner.start(Child("family", family.command, drain=0.5))
        eventually(lambda: len(family.living()) == 3)
        with pytest.raises(ValueError, match="family runs already"):
            runner.start(Child("family", ["true"]))
        runner.stop("family")
        eventually(lambda: not family.living(), 5)


def test_an_error_inside_the_block_stops_the_children_too(family, say):
    with pytest.raises(ZeroDivisionError), Runner([Child("family", family.command, drain=0.5)], say=say):
        eventually(lambda: len(family.living()) == 3)
        raise ZeroDivisionError
    eventually(lambda: not family.living(), 5)


def test_impatience_while_stopping_kills_at_once(family, say):
    def out_of_patience(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, out_of_patience)
    try:
        began = time.monotonic()
        deaf = Child("deaf", ["sh", "-c", "trap '' TERM; sleep 600"])
        with pytest.raises(KeyboardInterrupt), Runner([deaf], say=say):
            time.sleep(0.5)
            signal.setitimer(signal.ITIMER_REAL, 0.5)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_runner_that_is_asked_to_stop_leaves_nobody_behind(number, family, runner_process):
    process = runner_process()
    process.send_signal(number)
    process.wait(timeout=20)
    eventually(lambda: not family.living(), 5)


def test_the_runner_that_is_killed_leaves_nobody_behind(family, runner_process):
    process = runner_process()
    process.kill()
    eventually(lambda: not family.living())


def test_a_keeper_that_was_killed_is_replaced(family, runner_process):
    process = runner_process()
    keeper = int(process.stdout.readline().split()[-1])
    os.kill(keeper, signal.SIGKILL)
    # The news of this death is what the runner then cannot tell its keeper.
    os.kill(family.pids()[0], signal.SIGKILL)
    eventually(lambda: len(family.pids()) == 6 and len(family.living()) == 3)
    process.kill()
    eventually(lambda: not family.living())


def test_a_child_does_not_start_when_the_runner_is_gone_before_its_keeper_knew(tmp_path):
    child = Popen(["/bin/sh", "-c", GATE, "sh", "touch", str(tmp_path / "started")], stdin=PIPE)
    child.stdin.close()
    assert child.wait(timeout=10) != 0
    assert not (tmp_path / "started").exists()


def test_the_keeper_ends_by_itself_when_nothing_is_left(say):
    with Runner([Child("short", [sys.executable, "-c", ""])], say=say) as runner:
        keeper = runner.keeper.pid
        assert is_alive(keeper)
    assert not is_alive(keeper)
