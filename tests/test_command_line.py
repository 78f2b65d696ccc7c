"""Arguments of command lines: what is accepted, and that nothing else is."""

import argparse

import pytest

from resnets import command_line


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (command_line.shares, "70/30", (0.7, 0.3)),
        (command_line.shares, "70/15/15", (0.7, 0.15, 0.15)),
        (command_line.percent, "85%", 0.85),
        (command_line.percent, "100", 1),
        (command_line.positive, "1000000000", 10**9),
        (command_line.natural, "0", 0),
        (command_line.seconds, "0.5", 0.5),
    ],
)
def test_what_is_accepted(read, text, value):
    assert read(text) == pytest.approx(value)


@pytest.mark.parametrize(
    ("read", "texts"),
    [
        (
            command_line.shares,
            "nan/50 nan/nan inf/-inf 50/nan/50 100 25/25/25/25 0/100 -50/150 70/20",
        ),
        (command_line.percent, "nan inf 0 -5 101 1e30 85%% x"),
        (command_line.positive, f"0 -1 1e30 1.0 nan 1000000001 ² {'9' * 5000}"),
        (command_line.natural, f"-1 1e30 nan inf +1 {'9' * 5000}"),
        (command_line.seconds, "inf -inf nan 0 -1 1e30 x"),
    ],
)
def test_what_is_refused(read, texts):
    for text in [*texts.split(), ""]:
        with pytest.raises(argparse.ArgumentTypeError) as refused:
            read(text)
        assert len(str(refused.value)) < 200


@pytest.mark.parametrize("argument", ["--begin=--", "-b=--"])
def test_two_dashes_are_no_value(argument, capsys):
    parser = command_line.Parser()
    parser.add_argument("--begin", "-b")
    with pytest.raises(SystemExit, match="2"):
        parser.parse_args([argument])
    assert f"{argument!r} gives no value" in capsys.readouterr().err
    assert parser.parse_args(["--begin=-"]).begin == "-"
