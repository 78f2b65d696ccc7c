"""What a student's magics and shell commands do while a notebook is graded: no cell stops at them.

There is no kernel, no terminal and no other process. `!pip install x`, `%matplotlib inline` or a
`%%bash` cell prints a line, and the cell goes on with its next one, as it did for the student.
Magics that run Python, such as `%time` and `%%capture`, do so, and their errors are the cell's.
"""

RUN_PYTHON = {"time", "timeit", "prun", "run", "rerun", "recall", "lprun", "mprun", "memit"}
TERMINAL = {
    *("pip", "conda", "mamba", "micromamba", "uv", "edit", "debug", "pdb", "gui"),
    *("store", "rehashx", "notebook", "connect_info", "qtconsole", "killbgscripts"),
}
SCRIPTS = {
    *("script", "bash", "sh", "cmd", "perl", "ruby", "pypy", "python", "python2", "python3"),
    *("system", "sx", "!"),
}


def answer_magics(shell: object) -> None:
    """Replace, in an IPython shell, what would need a kernel, a terminal or another process."""
    from IPython.utils.text import LSString, SList

    run_line, run_cell = shell.run_line_magic, shell.run_cell_magic

    def said(text: str) -> None:
        print(f"[not run while grading: {text[:200]}]")

    def system(command: str) -> None:
        said(f"!{command}")
        shell.user_ns["_exit_code"] = 0

    def getoutput(command: str, split: bool = True, depth: int = 0) -> list | str:
        system(command)
        return SList() if split else LSString()

    def enable_matplotlib(gui: str | None = None) -> tuple[None, str]:
        return None, "agg"  # figures are drawn, and nobody sees them

    def line_magic(name: str, line: str, _stack_depth: int = 1) -> object:
        if name in RUN_PYTHON:
            return run_line(name, line, _stack_depth + 1)
        if name in TERMINAL:
            return said(f"%{name} {line}")
        try:
            return run_line(name, line, _stack_depth + 1)
        except Exception as error:  # unknown, an extension's that is not here, or a kernel's
            return said(f"%{name} {line}: {type(error).__name__}: {error}")

    def cell_magic(name: str, line: str, cell: str) -> object:
        if name in SCRIPTS:
            return said(f"%%{name} {line}")
        inside, results = shell.run_cell, []
        shell.run_cell = lambda *a, **k: results.append(inside(*a, **k)) or results[-1]
        try:
            value = run_cell(name, line, cell)
        finally:
            shell.run_cell = inside
        for result in results:  # `%%capture` keeps its cell's error to itself
            result.raise_error()
        return value

    shell.system = shell.system_piped = shell.system_raw = system
    shell.getoutput = getoutput
    shell.enable_gui = lambda gui=None: None
    shell.enable_matplotlib = enable_matplotlib
    shell.run_line_magic = line_magic
    shell.run_cell_magic = cell_magic
