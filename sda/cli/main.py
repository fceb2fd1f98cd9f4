"""The command `sda-engine`: its list of subcommands, each imported when it is called, and the one place that turns errors
into words and exit codes.

Exit codes: 0 done; 1 a bug of ours, a question answered with no, or output that nobody read; 2 something the user can mend;
130 interrupted.
"""

from __future__ import annotations

import errno
import importlib
import os
import sys
from typing import NamedTuple

import click

import sda
from sda.cli import output
from sda.errors import SdaError


class Row(NamedTuple):
    """A subcommand: where it is, and what it does in one line."""

    place: str  # "module:attribute"
    help: str


COMMANDS = {
    "run": Row("sda.cli.run:run", "Play a model live, in a window, over OSC and MIDI."),
    "generate": Row("sda.cli.generate:generate", "Render a model to an audio file."),
    "explore": Row("sda.cli.explore:explore", "Many different sounds of a model, on one page."),
    "resynth": Row("sda.cli.resynth:resynth", "Rebuild a recording through a model into an audio file."),
    "panel": Row("sda.cli.panel:panel", "Open the window of an engine that runs, here or elsewhere."),
    "render-take": Row("sda.cli.render_take:render_take", "Render a performance that was written down, again or better."),
    "train": Row("sda.cli.train:train", "Make a model of a folder of recordings."),
    "train-vocoder": Row("sda.cli.train_vocoder:train_vocoder", "Give a model a vocoder of its own."),
    "analyze": Row("sda.cli.analyze:analyze", "Find a model's sliders and map anew, and test their names."),
    "model": Row("sda.cli.model:model", "List, show, import, rename, delete, export and verify models."),
    "preset": Row("sda.cli.preset:preset", "List, show, rename and delete presets."),
    "vocoder": Row("sda.cli.vocoder:vocoder", "Fetch, check and list the vocoders that belong to no model."),
    "bench": Row("sda.cli.bench:bench", "Measure how fast this machine plays a model."),
    "doctor": Row("sda.cli.doctor:doctor", "Say what keeps the instrument from working here."),
    "selftest": Row("sda.cli.selftest:selftest", "Put the program through trials, for a bug report."),
    "osc": Row("sda.cli.osc:osc", "Watch what a running engine tells its listeners."),
    "map": Row("sda.cli.map:map_", "List, learn and forget what MIDI controllers move."),
    "midi": Row("sda.cli.midi:midi", "Show what MIDI controllers send."),
    "devices": Row("sda.cli.devices:devices", "List the sound devices and MIDI ports of this machine."),
    "params": Row("sda.cli.params:params", "Print every control: range, unit, OSC address."),
}


class LazyGroup(click.Group):
    """A group that knows its subcommands by name and imports them when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        row = COMMANDS.get(cmd_name)
        if row is None:
            return None
        module, attribute = row.place.split(":")
        try:
            command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
            raise SdaError(f"{cmd_name}: this installation lacks {module}; expected it beside {__name__}") from error
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, row.help) for name, row in COMMANDS.items()])


@click.group(cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(sda.__version__, prog_name="sda-engine")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """An instrument made of your own recordings.

    A model is called by its name, its id, the beginning of either, or the path of its file. The library lies where
    SDA_HOME says, else where the system keeps a user's data. SDA_DEBUG=1 shows where an error came from.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(args: list[str] | None = None) -> None:
    """Run the command and leave with its exit code."""
    # numpy's own threads keep a core busy for 25 ms after each product, and live there are some in every block
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a name that the terminal cannot show
    code = _code(args)
    try:
        sys.stdout.flush()
    except OSError as error:
        if not isinstance(error, BrokenPipeError):
            output.error_line(f"the output could not be written: {_words(error)}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the interpreter's own last flush
        code = code or _failed(error)
    sys.exit(code)


def _code(args: list[str] | None) -> int:
    """Run the command; its exit code, once what went wrong has been said."""
    try:
        result = cli.main(args, prog_name="sda-engine", standalone_mode=False)
    except BrokenPipeError as error:
        return _failed(error)
    except click.Abort:  # what click makes of Ctrl-C, and of a question that nobody is there to answer
        output.error_line("interrupted")
        return 130
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        where = f" (see `{context.command_path} --help`)" if context else ""
        output.error_line(error.format_message().rstrip(".") + where)
        return 2
    except Exception as error:
        if os.environ.get("SDA_DEBUG") == "1":
            raise
        output.error_line(_words(error))
        return _failed(error)
    return result if isinstance(result, int) else 0


def _failed(error: Exception) -> int:
    """The exit code of an error. Output that nobody reads, as after `| head`, is none of the user's making."""
    return 2 if isinstance(error, SdaError | OSError) and not isinstance(error, BrokenPipeError) else 1


def _words(error: Exception) -> str:
    """An error in one line."""
    if isinstance(error, SdaError):
        return str(error)
    if isinstance(error, OSError):
        reason = error.strerror or str(error) or errno.errorcode.get(error.errno or 0, "unknown")
        return f"{error.filename}: {reason}" if error.filename else reason
    return f"a bug in this program: {type(error).__name__}: {error}; SDA_DEBUG=1 shows where"
