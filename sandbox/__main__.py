"""The command line of the sandbox: make its keys, serve it."""

import argparse
import sys
from pathlib import Path

from sandbox import server
from sandbox.keys import ensure_keys

_ABOUT = """\
The WeChat that runs on this machine: mini-program login, phone numbers, face checks and
WeChat Pay, with keys and books of its own. It listens on 127.0.0.1 only and sends notices to
localhost only: an https://localhost notify address is spoken to in plain http."""

_FOLDER = "where keys, books and the clock offset live (made if missing)"


def main(arguments: list[str] | None = None) -> int:
    """The command has run; its exit status is returned."""
    asked = _parser().parse_args(arguments)
    folder: Path = asked.folder
    try:
        if asked.command == "keys":
            ensure_keys(folder, api_port=asked.api_port, sandbox_port=asked.sandbox_port)
            print(f"keys are in {folder}; the backend reads {folder / 'app.env'}")
            return 0
        return _serve(asked)
    except (OSError, server.NotThisMachine) as problem:
        print(f"sandbox: {problem}", file=sys.stderr)
        return 1


def _serve(asked: argparse.Namespace) -> int:
    if asked.host != server.HOST:
        raise server.NotThisMachine(f"--host can only be {server.HOST}, not {asked.host!r}")
    if not (asked.folder / "app.env").exists():
        ensure_keys(asked.folder, sandbox_port=asked.port)
    app = server.create_sandbox(asked.folder, notify_default=asked.notify_default)
    print(f"sandbox WeChat on http://{asked.host}:{asked.port}", flush=True)
    server.serve(app, host=asked.host, port=asked.port)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)

    made = commands.add_parser(
        "keys",
        help="make all keys once and write app.env",
        description="Makes all keys once. Run again, it keeps them and only sets ports and paths.",
    )
    made.add_argument("--folder", type=Path, default=Path("var/sandbox"), help=_FOLDER)
    made.add_argument("--api-port", type=int, default=8000, help="the backend's port (8000)")
    made.add_argument("--sandbox-port", type=int, default=8100, help="the sandbox's port (8100)")

    served = commands.add_parser(
        "serve",
        help="serve until SIGTERM or Ctrl-C",
        description="Serves the sandbox. Keys that are missing are made first.",
    )
    served.add_argument("--folder", type=Path, default=Path("var/sandbox"), help=_FOLDER)
    served.add_argument("--host", default=server.HOST, help=f"only {server.HOST} is accepted")
    served.add_argument("--port", type=int, default=8100, help="port to listen on (8100)")
    served.add_argument(
        "--notify-default",
        metavar="URL",
        default=server.NOTIFY_DEFAULT,
        help="where notices of stray payments go, which have no order and so no notify_url of "
        f"their own ({server.NOTIFY_DEFAULT})",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
