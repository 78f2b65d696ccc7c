"""The exercises' checks, against banks of wrong and right answers.

A wrong answer is rejected by its own task's check, whatever the seed, in words that name the
fault; a right one passes, however it is written. `answers_*.py` hold the banks, one per notebook.
"""

import ast
import contextlib
import functools
import importlib
import inspect
import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from bank import RIGHT, TASKS, WRONG, Case, compiled, namespace, non_answers

from resnets.checks import core, steps, wire
from resnets_utils import quiet_tensorflow

with quiet_tensorflow():
    import keras

    from resnets.checks import probe

ROOT = Path(__file__).parents[2]
CHECKS = ROOT / "resnets" / "checks"
NOTEBOOKS = {path.stem[3:]: path for path in sorted((ROOT / "notebooks").glob("0*.ipynb"))}
for module in NOTEBOOKS:
    importlib.import_module(f"resnets.checks.{module}")
    importlib.import_module(f"answers_{module}")

SEEDS = (1, 20_261)  # beside 0, which a call in a notebook has
HEAVY = ("stages_2_to_5", "resnet50")  # a second or more for each: other seeds for a sample
CORRECT = [Case(task, "as in the notebook", TASKS[task].correct) for task in TASKS]
FUNCTIONS = [task for task in TASKS if f"def {TASKS[task].answers[0]}(" in TASKS[task].correct]
FIRST_WRONG = {case.task: case for case in reversed(WRONG)}

# What a student must never read: the inside of the checks, of Keras and of TensorFlow.
INSIDE = ("Traceback", 'File "', ".py", "/site-packages", "ag__", "{{", "\x1b", "object at 0x")
LINES = 12


@pytest.fixture(autouse=True)
def _fresh_names() -> Iterator[None]:
    """Let every case have Keras's names to itself, as in a notebook of its own."""
    keras.backend.clear_session(free_memory=False)
    yield


def objects(case: Case) -> dict[str, object]:
    names = namespace(case.task, case.code)
    return {name: names[name] for name in TASKS[case.task].answers if name in names}


def judged(case: Case, seed: int, given: dict[str, object] | None = None) -> tuple[bool, str]:
    given = objects(case) if given is None else given
    ask = functools.partial(probe.serve, names=given)
    return core.judge(f"check_{case.task}", list(TASKS[case.task].answers), ask, seed)


def check_of(task: str) -> Callable:
    """Return what the notebook imports."""
    module = core.CHECKS[f"check_{task}"].function.__module__
    return getattr(importlib.import_module(module), f"check_{task}")


def called(case: Case) -> None:
    """Call the check as a cell of the notebook does."""
    check_of(case.task)(*objects(case).values())


def printed(capsys: pytest.CaptureFixture) -> str:
    """Return the message of a check, without what the answer itself printed before it."""
    text = capsys.readouterr().out
    start = re.search(r"^(passed|not right yet|not written yet): ", text, re.MULTILINE)
    assert start, text
    return text[start.start() :].rstrip("\n")


def said(message: str) -> str:
    """Return what a message says of the fault, in lower case and one line.

    The first line repeats the answers' names, "tried" the arguments; neither names a fault.
    """
    if message.startswith("not right yet"):
        kept = re.split(r"\n  (?=\w[\w ]*:)", message)[1:]
        message = "\n".join(part for part in kept if not part.startswith("tried:"))
    return re.sub(r"\s+", " ", message).lower()


def missing_words(case: Case, message: str) -> list[str | tuple[str, ...]]:
    text = said(message)
    alternatives = [(words,) if isinstance(words, str) else words for words in case.words]
    return [words for words in alternatives if not any(word in text for word in words)]


def assert_readable(message: str) -> None:
    found = [text for text in INSIDE if text in message]
    assert not found, f"{found} in\n{message}"
    assert 1 <= len(message.splitlines()) <= LINES, message
    assert max(map(len, message.splitlines())) <= 100, message


def by_name(cases: list[Case]) -> list:
    return [pytest.param(case, id=str(case)) for case in cases]


# --- the banks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", by_name(WRONG))
def test_wrong_answer_is_rejected(case, capsys):
    called(case)
    message = printed(capsys)
    assert not message.startswith("passed"), f"accepted:\n{case.code}"
    assert not missing_words(case, message), f"missing {missing_words(case, message)} in\n{message}"
    assert_readable(message)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "case",
    by_name([case for i, case in enumerate(WRONG) if case.task not in HEAVY or i % 10 == 0]),
)
def test_wrong_answer_is_wrong_with_other_inputs(case, seed):
    passed, message = judged(case, seed)
    assert passed is False, message
    assert_readable(message)


@pytest.mark.parametrize("case", by_name(CORRECT + RIGHT))
def test_right_answer_passes(case, capsys):
    called(case)
    message = printed(capsys)
    assert message.startswith("passed"), message
    assert_readable(message)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "case", by_name([*CORRECT, *(case for case in RIGHT if case.task not in HEAVY)])
)
def test_right_answer_is_right_with_other_inputs(case, seed):
    passed, message = judged(case, seed)
    assert passed is True, message
    assert message.startswith("passed")


def test_banks_are_as_large_as_promised():
    assert len(TASKS) == 38
    assert len(WRONG) >= 120
    assert len(RIGHT) >= 60
    assert len({str(case) for case in WRONG}) == len(WRONG)
    assert len({str(case) for case in RIGHT}) == len(RIGHT)
    assert {case.task for case in WRONG} == {case.task for case in RIGHT} == set(TASKS)
    assert min(sum(case.task == task for case in WRONG) for task in TASKS) >= 2
    correct = {task: TASKS[task].correct for task in TASKS}
    assert all(case.code.strip() != correct[case.task].strip() for case in WRONG)


# --- no answer ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [kind for kind, *_ in non_answers("f")])
@pytest.mark.parametrize("task", FUNCTIONS)
def test_no_answer(task, kind, capsys):
    code, words = {kind: rest for kind, *rest in non_answers(TASKS[task].answers[0])}[kind]
    case = Case(task, kind, code, (words,))
    called(case)
    message = printed(capsys)
    assert message.startswith(("not right yet", "not written yet")), message
    assert not missing_words(case, message), message
    assert_readable(message)


@pytest.mark.parametrize("task", TASKS)
def test_a_name_that_is_not_there(task):
    given = objects(Case(task, "", TASKS[task].correct))
    blank = TASKS[task].answers[-1]
    del given[blank]
    passed, message = judged(Case(task, "", ""), 0, given)
    assert not passed
    assert message.startswith("not written yet") and blank in message


ANYTHING = {
    "None": None,
    "dots": ...,
    "number": 3.5,
    "text": "text",
    "list": [],
    "dictionary": {},
    "object": object(),
    "tuple": (1, 2),
}


@pytest.mark.parametrize("kind", ANYTHING)
@pytest.mark.parametrize("task", TASKS)
def test_anything_under_an_answers_name(task, kind):
    given = objects(Case(task, "", TASKS[task].correct))
    given[TASKS[task].answers[-1]] = ANYTHING[kind]
    passed, message = judged(Case(task, "", ""), 0, given)
    assert not passed
    assert_readable(message)


# --- calls ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", TASKS)
def test_nbgrader_meets_no_error_for_a_right_answer(task, capsys, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    monkeypatch.setenv("RESNETS_GRADING_SEED", "77")
    called(Case(task, "", TASKS[task].correct))
    assert printed(capsys).startswith("passed")


@pytest.mark.parametrize("task", TASKS)
def test_nbgrader_meets_an_error_for_a_wrong_answer(task, capsys, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(core.CheckFailed) as caught:
        called(FIRST_WRONG[task])
    assert not re.search("^(passed|not )", capsys.readouterr().out, re.MULTILINE)
    assert caught.value._render_traceback_() == [str(caught.value)]
    assert_readable(str(caught.value))


def test_a_check_called_with_too_little_says_how(capsys, monkeypatch):
    check_of("component_2")(5)
    told = "not right yet: call check_component_2(after_2a, after_2b) as it was given"
    assert printed(capsys) == told
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(core.CheckFailed, match="as it was given"):
        check_of("component_2")()


def test_the_seed_comes_from_the_environment(monkeypatch):
    """The same answer meets the same inputs for a seed, others for another one."""
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    told = []
    for seed in ("5", "5", "6"):
        monkeypatch.setenv("RESNETS_GRADING_SEED", seed)
        with pytest.raises(core.CheckFailed) as caught:
            check_of("updated_average")(lambda average, batch_value, momentum: average)
        told.append(str(caught.value))
    assert told[0] == told[1] != told[2]


def test_what_ask_raises_passes_through():
    class Gone(Exception):
        pass

    def ask(request):
        raise Gone

    for task in TASKS:
        with pytest.raises(Gone):
            core.judge(f"check_{task}", list(TASKS[task].answers), ask, 0)


@pytest.mark.parametrize("task", [task for task in TASKS if task not in HEAVY])
def test_judging_by_text_alone(task):
    """In grading, requests and replies travel as JSON, to a process and back."""
    given = objects(Case(task, "", TASKS[task].correct))

    def ask(request):
        request = wire.decode(json.loads(json.dumps(wire.encode(request))))
        reply = probe.serve(request, given)
        return wire.decode(json.loads(json.dumps(wire.encode(reply))))

    assert core.judge(f"check_{task}", list(TASKS[task].answers), ask, 0)[0]


# --- the modules and the notebooks ----------------------------------------------------------------


def imported(path: Path) -> set[str]:
    """Return the modules of this repository that a file of the package imports, by short names."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    assert not any(name.startswith(("resnets_utils", "notebooks", "tests")) for name in found)
    ours = [name.split(".") for name in found if name.split(".")[0] == "resnets"]
    assert all(parts[1] == "checks" for parts in ours), f"{path}: {ours}"
    return {parts[2] for parts in ours}


@pytest.mark.parametrize("path", sorted(CHECKS.glob("*.py")), ids=lambda path: path.stem)
def test_no_answer_is_imported(path):
    """No module imports what the series teaches, nor the checks of another notebook."""
    assert not imported(path) & set(NOTEBOOKS)


def test_the_process_that_judges_needs_no_keras():
    modules = [f"resnets.checks.{path.stem}" for path in CHECKS.glob("*.py")]
    modules.remove("resnets.checks.probe")
    code = (
        "import importlib, sys\n"
        f"for name in {modules}: importlib.import_module(name)\n"
        "from resnets.checks.wire import decode\n"
        "print(decode({'dtype': 'bfloat16', 'shape': [], 'base64': 'gD8='}))\n"
        "print(*{'tensorflow', 'keras'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == "1\n\n"
    assert len(modules) >= 14


@pytest.mark.parametrize("module", NOTEBOOKS)
def test_a_notebook_calls_the_checks_of_its_module(module):
    own = f"resnets.checks.{module}"
    calls = {}
    for cell in json.loads(NOTEBOOKS[module].read_text())["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade"):
            text = "".join(cell["source"])
            calls |= dict(re.findall(r"^check_(\w+)\(([\w, ]*)\)$", text, re.MULTILINE))
    made = {name for name, check in core.CHECKS.items() if check.function.__module__ == own}
    assert {f"check_{task}" for task in calls} == made
    assert calls == {task: ", ".join(TASKS[task].answers) for task in calls}


def test_every_check_has_its_bank():
    assert {f"check_{task}" for task in TASKS} == set(core.CHECKS)


def test_parameters_are_the_answers_names():
    for task in TASKS:
        assert list(inspect.signature(check_of(task)).parameters) == list(TASKS[task].answers)


@pytest.mark.parametrize(
    ("cell", "kind", "line"),
    [
        ("x = [0]\nmin(1 / y for y in x)\n", "ZeroDivisionError", "min(1 / y for y in x)"),
        ("import json\njson.loads('[')  # here\n", "JSONDecodeError", "json.loads('[')  # here"),
        ("def f(:\n", "SyntaxError", "def f(:"),
    ],
)
def test_an_error_is_told_with_the_learners_line(cell, kind, line):
    with pytest.raises(Exception) as caught:
        exec(compiled(cell))
    told = wire.describe_error(caught.value)
    assert (told["type"], told["line"]) == (kind, line) and told["message"]


KERAS_TENSOR = "A KerasTensor cannot be used as input to a TensorFlow function."


@pytest.mark.parametrize(
    ("cell", "words", "line"),
    [
        ("tf.nn.relu(x)", (KERAS_TENSOR, "What you should do instead"), "tf.nn.relu(x)"),
        (
            "class Own(layers.Layer):\n    def call(self, X):\n"
            "        return tf.reshape(X, (3, None))\nOwn()(x)",
            ("Failed to convert elements of (3, None)",),
            "return tf.reshape(X, (3, None))",
        ),
        (
            "@tf.function(input_signature=[tf.TensorSpec([None, 3])])\ndef f(a):\n"
            "    return tf.reshape(a, (7, -1)) + 1\nf(tf.zeros((2, 3)))",
            ("requested shape requires a multiple of 7",),
            "f(tf.zeros((2, 3)))",
        ),
        (
            "@tf.function\ndef f(a):\n    return tf.nn.relu(x)\nf(tf.zeros(2))",
            (KERAS_TENSOR, "What you should do instead"),
            "return tf.nn.relu(x)",
        ),
        (
            "layers.Reshape((5, 5))(x)",
            ("total size of the tensor", "(5, 5)"),
            "layers.Reshape((5, 5))(x)",
        ),
        ("raise ValueError('First: ' + 'this is long. ' * 90)", ("this is long.",), None),
        ("raise ValueError('x' * 5_000)", ("xxx ...",), None),
        ("raise ValueError('a\\n\\nand the advice: b')", ("a and the advice: b",), None),
    ],
)
def test_an_error_keeps_its_advice_and_loses_the_rest(cell, words, line):
    names = namespace("cosine", "x = keras.Input((4, 4, 3))")
    with pytest.raises(Exception) as caught:
        exec(compiled(cell + "\n"), names)
    told = wire.describe_error(caught.value)
    assert all(word in told["message"] for word in words), told["message"]
    assert told["line"] == (line or cell)
    inside = ("```", "execution error", "Arguments received", "\x1b", "\n", "{{", "[[")
    assert not [text for text in inside if text in told["message"]]
    assert not told["message"].endswith(":") and len(told["message"]) <= wire.LONGEST


@pytest.mark.parametrize(
    "loop",
    ["while True:\n        pass", "while part >= 0:\n        part = part + 0", "time.sleep(900)",
     "while True:\n        try:\n            time.sleep(0.01)\n        except Exception: pass",
     "for i in iter(int, 1):\n        i"],
)  # fmt: skip
def test_an_endless_loop_ends_in_a_sentence(loop, capsys, monkeypatch):
    monkeypatch.setattr(core, "OTHER_SECONDS", 0.3)
    before = signal.getsignal(signal.SIGALRM)
    called(Case("cosine", "", f"import time\ndef cosine(part):\n    {loop}\n"))
    message = printed(capsys)
    assert message.startswith("not right yet: cosine"), message
    assert "still ran after 0.3 seconds" in message and "loop" in message
    assert_readable(message)
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_an_endless_loop_while_a_network_is_built_ends_too(capsys, monkeypatch):
    monkeypatch.setitem(core.SECONDS, "network", 1)
    called(Case("stage_1", "", "def stage_1(images):\n    while True:\n        pass\n"))
    assert "`stage_1` still ran after 1 seconds" in said(printed(capsys))


def test_no_signal_is_asked_for_where_there_is_none(capsys, monkeypatch):
    """Another thread may not set one, Windows has none, and another timer keeps its own."""
    results = []
    correct = Case("cosine", "", TASKS["cosine"].correct)
    thread = threading.Thread(target=lambda: results.append(called(correct)))
    thread.start()
    thread.join()
    monkeypatch.delattr(signal, "setitimer")
    called(correct)
    assert capsys.readouterr().out == "passed: cosine\n" * 2


# --- the first line -------------------------------------------------------------------------------


@pytest.mark.parametrize("task", FUNCTIONS)
def test_first_lines_are_those_of_the_notebook(task):
    name = TASKS[task].answers[0]
    (line,) = re.findall(rf"^def {name}\((.*)\):$", TASKS[task].correct, re.MULTILINE)
    assert core.CHECKS[f"check_{task}"].first_line == line


@pytest.mark.parametrize(
    ("task", "old", "new", "told"),
    [
        ("output_side", "n, f, s, padding", "n, f, padding, s", True),
        ("output_side", "n, f, s, padding", "padding, n, f, s", True),
        ("output_side", "n, f, s, padding", "n, f, s", True),
        ("output_side", "n, f, s, padding", "n, f, s, padding, more", True),
        ("split_by_class", "labels, share, seed=0", "labels, seed, share=0.3", True),
        ("convolutional_block", "stage, block, s=2", "stage, block, s=1", True),
        ("convolutional_block", "stage, block, s=2", "stage, Add, s=2", True),
        ("convolutional_block", "f, filters, stage", "filters, f, stage", True),
        ("identity_block", "stage, block", "Activation, block", True),
        ("random_mini_batches", "mini_batch_size=64", "size=64", True),
        ("train_step", "parameters, optimizer", "optimizer, parameters", True),
        ("cosine", "part", "part, classes=6", False),
        ("updated_average", "average, batch_value, momentum", "a, b, c", False),
    ],
)
def test_a_changed_first_line_is_named(task, old, new, told):
    code = TASKS[task].correct.replace(old, new, 1)
    if not told:
        code = re.sub(r"return .*", "return 5", code)
    passed, message = judged(Case(task, "", code), 0)
    assert not passed
    line = re.search(r"^def .*(?=:$)", TASKS[task].correct, re.MULTILINE)[0]
    assert (line in " ".join(message.split())) is told, message
    assert_readable(message)


def test_a_description_that_leads_in_a_circle_ends():
    node = {"kind": "Activation", "name": "a", "training": None, "activation": "relu"}
    nodes = [
        {"kind": "input", "name": "", "inputs": [], "training": None, "shape": [None, 2, 2, 4]},
        {**node, "inputs": [2], "shape": None},
        {**node, "inputs": [1], "shape": None},
    ]
    with pytest.raises(steps.Tangled):
        steps.read_steps({"nodes": nodes, "inputs": [0], "output": 2})


def relu_node(*inputs: int, kind: str = "Activation") -> dict:
    return {"kind": kind, "name": "a", "inputs": list(inputs), "training": None, "activation": "r"}


# Replies of a stranger's process, which may be any. None may cost more than walking it once.
HOSTILE_GRAPHS = {
    "a long line": [relu_node(i) for i in range(8_000)],
    "many additions": [relu_node(i, i, kind="Add") for i in range(8_000)],
    "each joins the two before": [relu_node(i, max(i - 1, 0), kind="Add") for i in range(1_900)],
    "each joins one far before": [relu_node(i, i // 2, kind="Add") for i in range(1_900)],
    "each joins the input": [relu_node(i, 0, kind="Add") for i in range(1_900)],
    "blocks in blocks": [
        relu_node(*((i,) if i < 950 else (i, 1899 - i)), kind="Add") for i in range(1_899)
    ],
    "all before": [relu_node(*range(i + 1)) for i in range(1_000)],
    "two far apart": [relu_node(i) for i in range(1_000)] + [relu_node(1_000, 0, kind="Add")],
}


@pytest.mark.parametrize("name", HOSTILE_GRAPHS)
def test_a_hostile_description_is_read_in_steps_by_its_size(name, monkeypatch):
    """Counted, not timed: each node is looked at a few times, or the graph is refused."""
    start = {"kind": "input", "name": "", "inputs": [], "training": None, "shape": [None, 4]}
    nodes = [start, *HOSTILE_GRAPHS[name]]
    seen = 0

    def counted(node, original=steps.steps_of):
        nonlocal seen
        seen += 1
        return original(node)

    def joined(node, *branches, original=steps.residual_of):
        nonlocal seen
        seen += 1
        return original(node, *branches)

    monkeypatch.setattr(steps, "steps_of", counted)
    monkeypatch.setattr(steps, "residual_of", joined)
    graph = {"nodes": nodes, "inputs": [0], "output": len(nodes) - 1}
    # RecursionError is none of these: no depth of a description may reach Python's own limit.
    with contextlib.suppress(steps.Tangled):
        steps.read_steps(graph)
    assert seen <= len(nodes)


def test_more_operations_or_deeper_blocks_than_any_task_has_are_refused():
    start = {"kind": "input", "name": "", "inputs": [], "training": None, "shape": [None, 4]}
    for name, words in (("a long line", "operations"), ("each joins the input", "additions")):
        nodes = [start, *HOSTILE_GRAPHS[name]]
        with pytest.raises(steps.Tangled, match=words):
            steps.read_steps({"nodes": nodes, "inputs": [0], "output": len(nodes) - 1})


@functools.cache
def forged_replies() -> dict[str, dict]:
    """Return replies that no probe gives, by name; each is a stranger's try to stop the judge."""
    start = {"kind": "input", "name": "", "inputs": [], "training": None, "shape": [None, 4]}
    nodes = [start, *({**relu_node(i), "settings": {}, "shape": None} for i in range(8_000))]
    deep = 1
    for _ in range(5_000):
        deep = {"kind": "list", "items": [deep]}
    empty = {"kind": "array", "array": np.zeros((0, 2, 2, 3))}
    pairs = [{"kind": "tuple", "items": [empty, empty]}] * 20_000
    return {
        "8,000 operations": {"network": {"nodes": nodes, "inputs": [0], "output": 8_000}},
        "no nodes": {"network": {"nodes": [start, 7], "inputs": [0], "output": 1}},
        "depth": {"value": deep},
        "text": {"value": "x" * 1_000_000},
        "type": {"value": {"kind": "object", "type": "y " * 500_000}},
        "list": {"value": {"kind": "list", "items": list(range(20_000))}},
        "dictionary": {"value": {"kind": "dict", "items": [[i, i] for i in range(20_000)]}},
        "pairs": {"value": {"kind": "list", "items": pairs}},
        "array": {"value": {"kind": "array", "array": np.zeros((1_000, 1_000))}},
        "axes": {"value": {"kind": "array", "array": np.zeros((1,) * 60)}},
        "number": {"value": 10**4_000},
        "missing": {"missing": "q" * 1_000_000},
        "kind": {"not_callable": "q" * 1_000_000},
        "nothing": {},
        "error": {"error": {"type": "z" * 10**5, "message": "m " * 10**5, "line": "l" * 10**5}},
    }


@pytest.mark.parametrize("task", TASKS)
def test_a_forged_reply_gets_a_short_verdict(task):
    """Whatever a stranger's process says, the answer is refused, and the message stays short."""
    for name, reply in forged_replies().items():
        passed, message = core.judge(
            f"check_{task}", list(TASKS[task].answers), lambda request, reply=reply: reply, 0
        )
        assert passed is False and len(message) < 5_000, f"{name}: {message[:300]}"
