from __future__ import annotations

import io
import re
import sys
from dataclasses import replace

import pytest
from made_records import made_epoch, made_failure, made_record, made_spec
from rich.console import Console

from bench.runs.eta import RunProgress
from bench.runs.live_table import LiveTable, render, summary
from bench.runs.progress import Progress
from bench.system.display import duration
from bench.training.record import TrialRecord

_ANSI = re.compile(r"\x1b")


class _Clock:
    """Seconds that pass when they are told to."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def _specs(models=("lenet", "alexnet"), seeds=1):
    return [made_spec(model, seed) for seed in range(seeds) for model in models]


def _begin(board, model="lenet", seed=0, steps=30, done=0):
    record = TrialRecord(spec=made_spec(model, seed))
    board.on_phase(replace(record, phase="contract"))
    board.on_phase(replace(record, phase="train"))
    board.on_start(record.spec, steps, done)


def _states(board):
    return {line.model: line.state for line in board.lines()}


def test_a_model_goes_from_waiting_to_done():
    """Waiting, starting, its epochs one after the other, testing, timing, done."""
    board, seen = RunProgress(_specs()), []
    record = TrialRecord(spec=made_spec())
    seen.append(_states(board)["lenet"])
    board.on_phase(replace(record, phase="contract"))
    seen.append(_states(board)["lenet"])
    board.on_phase(replace(record, phase="train"))
    board.on_start(record.spec, 6, 0)
    for _ in range(6):
        seen.append(_states(board)["lenet"])
        board.on_batch(made_spec())
    for phase in ("validate", "test", "inference", "done"):
        board.on_phase(replace(record, phase=phase))
        seen.append(_states(board)["lenet"])
    board.on_end(made_record())
    seen.append(_states(board)["lenet"])

    epochs = [f"epoch {number} of 3" for number in (1, 1, 2, 2, 3, 3, 3)]
    ended = ["testing", "timing inference", "writing", "✓ done"]
    assert seen == ["waiting", "starting", *epochs, *ended]
    assert _states(board)["alexnet"] == "waiting"


def test_seeds_are_counted():
    """Which one is under way, how many are done, and that all are."""
    board = RunProgress(_specs(seeds=2))
    board.on_end(made_record("lenet", 0))
    between = _states(board)["lenet"]
    _begin(board, "lenet", 1)
    during = _states(board)["lenet"]
    board.on_end(made_record("lenet", 1))

    assert (between, during) == ("1 of 2 seeds done", "seed 2 of 2, epoch 1 of 3")
    assert _states(board)["lenet"] == "✓ 2 seeds"


def test_a_failure_is_told_with_its_status():
    """With how many of the seeds it was; a trial that is done once more is under way again."""
    board = RunProgress(_specs(seeds=2))
    board.on_end(made_failure("lenet", 0))
    failed = _states(board)["lenet"]
    _begin(board, "lenet", 0)

    assert failed == "✗ out-of-memory, 1 of 2 seeds"
    assert _states(board)["lenet"] == "seed 1 of 2, epoch 1 of 3"


def test_the_best_so_far_stands_on_top():
    """By the mean over the seeds done; those without a figure follow in their order."""
    board = RunProgress(_specs(models=("lenet", "alexnet", "vgg11", "vgg16"), seeds=2))
    for model, accuracies in (("alexnet", (0.7,)), ("vgg16", (0.9, 0.6))):
        for seed, accuracy in enumerate(accuracies):
            board.on_end(made_record(model, seed, accuracy))
    lines = board.lines()

    assert [line.model for line in lines] == ["vgg16", "alexnet", "lenet", "vgg11"]
    assert lines[0].accuracy == pytest.approx(0.75)
    assert (lines[0].seconds, lines[1].deviation) == (38.0, None)


def test_what_was_done_before_counts():
    """A run that is gone on with begins with the trials it has; interrupted ones are to be done."""
    stopped = replace(made_record("alexnet"), status="interrupted")
    board = RunProgress(_specs(), [made_record("lenet"), stopped])

    assert (board.done, board.planned) == (1, 2)
    assert _states(board) == {"lenet": "✓ done", "alexnet": "waiting"}


def test_nothing_is_said_of_the_time_while_nothing_is_known():
    """Not before some steps were made in a second at least."""
    clock = _Clock()
    board = RunProgress(_specs(models=["lenet"]), clock=clock)
    before = board.time_left()
    _begin(board)
    clock.now += 0.5
    for _ in range(5):
        board.on_batch(made_spec())

    assert before is None
    assert board.time_left() is None
    assert summary(board) == "0 of 1 trials done"


def test_the_time_left_is_first_that_of_the_steps():
    """10 of 30 steps in 20 seconds: 40 are left; of other models nothing is known."""
    clock = _Clock()
    board = RunProgress(_specs(), clock=clock)
    _begin(board)
    clock.now += 20
    for _ in range(10):
        board.on_batch(made_spec())

    assert board.time_left() == (pytest.approx(40), False)
    assert summary(board) == "0 of 2 trials done, at least a minute left"


def test_steps_of_another_process_are_not_counted_as_made():
    """Gone on with after 20 of 30: 5 steps in 10 seconds leave another 10 seconds."""
    clock = _Clock()
    board = RunProgress(_specs(models=["lenet"]), clock=clock)
    _begin(board, done=20)
    clock.now += 10
    for _ in range(5):
        board.on_batch(made_spec())

    assert board.time_left() == (pytest.approx(10), True)


def test_the_time_left_is_then_that_of_trials_that_ended():
    """Start-up and test are in it: two more of 100 seconds each, one more of 300."""
    clock = _Clock()
    board = RunProgress(_specs(seeds=2), clock=clock)
    for model, seconds in (("lenet", 100), ("alexnet", 300)):
        _begin(board, model)
        clock.now += seconds
        board.on_end(made_record(model))
    both = board.time_left()
    _begin(board, "lenet", 1)
    clock.now += 30

    assert both == (pytest.approx(400), True)
    assert board.time_left() == (pytest.approx(70 + 300), True)
    assert summary(board) == "2 of 4 trials done, about 7 min left"


def test_the_time_left_does_not_jump(monkeypatch):
    """It counts down to an end that it keeps until another is far; what is told is that."""
    clock = _Clock()
    board = RunProgress(_specs(), clock=clock)
    found = []
    for passed, estimate in ((0, 65.0), (1, 55.0), (1, 70.0), (1, 200.0), (1, 190.0)):
        clock.now += passed
        monkeypatch.setattr(RunProgress, "time_left", lambda _, seconds=estimate: (seconds, True))
        found.append(board.steady_time_left())

    assert found == [(seconds, True) for seconds in (65.0, 64.0, 63.0, 200.0, 199.0)]


def test_a_failure_is_no_measure_of_the_rest():
    """It may have ended at once."""
    clock = _Clock()
    board = RunProgress(_specs(models=["lenet"], seeds=2), clock=clock)
    board.on_end(made_failure("lenet"))

    assert board.time_left() is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "a minute"), (61, "2 min"), (700, "12 min"), (5400, "1 h 30 min"), (7800, "2 h 10 min")],
)
def test_a_time_is_told_in_words(seconds, words):
    """Minutes, and above an hour and a half hours, rounded up."""
    assert duration(seconds) == words


def _drawn(board, width, height=30):
    console = Console(file=io.StringIO(), width=width, height=height)
    console.print(render(board, width, height))
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [40, 60, 80, 140])
def test_the_table_fits_the_terminal(width):
    """In width by leaving columns out, in height by counting the models below."""
    models = [f"model_{number}" for number in range(20)]
    board = RunProgress([made_spec(model) for model in models])
    board.on_end(made_record("model_7"))
    lines = _drawn(board, width, height=12)

    assert max(map(len, lines)) <= width
    assert len(lines) < 12
    assert any("model_7" in line and "75.0 %" in line for line in lines[:4])
    assert " and 15 more" in lines
    assert lines[-1] == " 1 of 20 trials done"


def test_a_long_name_leaves_the_accuracy_whole():
    """The name loses its start, as in the table at the end."""
    board = RunProgress([made_spec("timm:tf_mobilenetv3_large_minimal_100"), made_spec("lenet")])
    board.on_end(made_record("timm:tf_mobilenetv3_large_minimal_100"))
    lines = _drawn(board, 50)

    assert max(map(len, lines)) <= 50
    assert any("large_minimal_100 " in line and " 75.0 %" in line for line in lines)


def _terminal(width=100):
    stream = io.StringIO()
    return Console(file=stream, force_terminal=True, width=width, height=30), stream


def _left(text):
    """Return the lines that a terminal shows in the end: erased ones are not among them."""
    lines, place = [""], 0
    for part in re.findall(r"\x1b\[\d*[A-Za-z]|\x1b\[\?\d+[hl]|[\r\n]|[^\x1b\r\n]+", text):
        if part == "\n":
            place += 1
            lines += [""] * (place == len(lines))
        elif part.endswith("A") and part[0] == "\x1b":
            place -= int(part[2:-1] or 1)
        elif part == "\x1b[2K":
            lines[place] = ""
        elif part[0] not in "\x1b\r":
            lines[place] += part
    return [line.rstrip() for line in lines if line.strip()]


def test_what_is_said_stands_above_and_the_table_vanishes():
    """After it, only what was said is left; within it, the table is below that."""
    console, stream = _terminal()
    table = LiveTable(RunProgress(_specs()), console)
    with table.shown():
        table.say("rejected a.jpg: not an image")
        during = _left(stream.getvalue())
    after = _left(stream.getvalue())

    assert during[0] == "rejected a.jpg: not an image"
    assert during[-1] == " 0 of 2 trials done"
    assert after == ["rejected a.jpg: not an image"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_the_table_vanishes_after_an_exception(error):
    """The cursor is shown again, and nothing is left over."""
    console, stream = _terminal()
    table = LiveTable(RunProgress(_specs()), console)
    with pytest.raises(error, match="stop"), table.shown():
        raise error("stop")

    assert _left(stream.getvalue()) == []
    assert stream.getvalue().rstrip("\n").rindex("\x1b[?25h") > stream.getvalue().index("\x1b[?25l")


def test_many_steps_a_second_are_drawn_twice():
    """Drawing takes some milliseconds; both cores train."""
    console, _ = _terminal()
    clock = _Clock()
    table = LiveTable(RunProgress(_specs()), console, clock)
    drawn = []
    with table.shown():
        table._live.refresh = lambda: drawn.append(clock.now)
        for _ in range(990):
            clock.now += 0.001
            table.board.on_batch(made_spec())
            table.changed()
        seen = list(drawn)  # the end draws once more

    assert seen == pytest.approx([100.001, 100.501], abs=0.002)


def test_a_long_line_is_not_broken_by_the_table():
    """A path can be copied whole from what is said beside it."""
    console, stream = _terminal(width=60)
    table = LiveTable(RunProgress(_specs()), console)
    with table.shown():
        table.say("zoo bench --resume " + "x" * 100)

    assert _left(stream.getvalue()) == ["zoo bench --resume " + "x" * 100]


class _Terminal(io.StringIO):
    def isatty(self):
        return True


def _told(progress):
    specs = _specs(models=["lenet"])
    with progress.showing(specs):
        progress.on_phase(TrialRecord(spec=specs[0], phase="train"))
        progress.on_start(specs[0], 3, 0)
        progress.on_batch(specs[0])
        progress.on_epoch(specs[0], made_epoch())
        progress.on_end(made_record())


def test_without_a_terminal_there_is_a_line_an_epoch(capsys):
    """And no escape sequence."""
    _told(Progress())
    told = capsys.readouterr().err

    assert not _ANSI.search(told)
    assert told.splitlines() == [
        "lenet (seed 0) epoch 1/3: validation 55.0 %, loss 0.600, 0.690 in validation, 12.5 s",
        "✓ lenet (seed 0): test accuracy 75.0 %, 37.5 s training, 2.0 % of it waiting for data",
    ]


def test_a_terminal_that_can_only_print_gets_lines(monkeypatch):
    """TERM=dumb, as in an editor's window."""
    stream = _Terminal()
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(sys, "stderr", stream)
    _told(Progress())

    assert not _ANSI.search(stream.getvalue())
    assert "epoch 1/3" in stream.getvalue()


@pytest.mark.parametrize("colour", [True, False])
def test_a_terminal_gets_a_table_and_no_lines(monkeypatch, colour):
    """Nothing is left of it; under NO_COLOR it is drawn without colours."""
    stream = _Terminal()
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "" if colour else "1")
    monkeypatch.setattr(sys, "stderr", stream)
    _told(Progress())

    assert "trials done" in stream.getvalue()
    assert "epoch 1/3" not in stream.getvalue()
    assert _left(stream.getvalue()) == []
    assert bool(re.search(r"\x1b\[(3|9)\d", stream.getvalue())) == colour


def test_a_failure_is_said_beside_the_table(monkeypatch):
    """Its reason would not fit into a cell."""
    stream = _Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", stream)
    progress = Progress()
    with progress.showing(_specs()):
        progress.on_end(made_failure("lenet"))

    assert _left(stream.getvalue()) == ["✗ lenet (seed 0) out-of-memory (train): no memory"]


def test_nothing_is_told_where_nothing_should_be(capsys):
    """A notebook may ask for silence."""
    _told(Progress(shown=False))

    assert capsys.readouterr() == ("", "")


def _timed(model="lenet", seed=0):
    spec = made_spec(model, seed)
    return replace(spec, recipe=replace(spec.recipe, epochs=None, seconds=60.0))


def test_a_budget_is_told_in_seconds():
    """Which epoch it is, of what; nobody knows how many there will be."""
    board = RunProgress([_timed()])
    record = TrialRecord(spec=_timed(), phase="train")
    board.on_phase(record)
    board.on_start(record.spec, 0, 0)
    first = _states(board)["lenet"]
    board.on_phase(replace(record, history=(made_epoch(),), train_seconds=12.5))

    assert (first, _states(board)["lenet"]) == ("epoch 1, 60 s in all", "epoch 2, 60 s in all")


def test_the_time_left_of_a_budget_is_what_is_not_spent():
    """And the whole of each that waits, though nothing of it was measured."""
    board = RunProgress([_timed(), _timed("alexnet")], clock=_Clock())
    record = TrialRecord(spec=_timed(), phase="train")
    board.on_phase(record)
    board.on_start(record.spec, 0, 0)
    board.on_phase(replace(record, history=(made_epoch(),), train_seconds=12.5))

    assert board.time_left() == (47.5 + 60.0, True)


def test_a_line_of_a_budgets_epoch_has_no_number_of_epochs(capsys):
    """But the seconds of all of them; what is gone on with has no steps in all."""
    progress = Progress()
    progress.on_start(_timed(), 0, 7)
    progress.on_epoch(_timed(), made_epoch(2))
    err = capsys.readouterr().err

    assert "lenet (seed 0): resuming after step 7\n" in err
    assert "lenet (seed 0) epoch 2, 60 s in all: validation" in err
