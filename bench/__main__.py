"""`python -m bench [name...] [--quick]`: every bench, or those named, and a table at the end."""

import argparse
import os
import platform
import sys
from importlib import import_module
from pathlib import Path

from bench.report import Report

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
BENCHES = ("open_notice", "notices_under_hang", "unknown_payments")
HEAD = """\
# How fast

Made by `make bench` (`python -m bench`), on {cores} cores shared with others, Python {python}.
Ratios are of two things measured in turn in one run, so they hold on other machines, too; figures
in seconds do not. It takes ten minutes; `python -m bench --quick` takes two or three, on SQLite,
and writes nothing."""


def main() -> int:
    """The benches have run and their tables are printed; answers 0."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(BENCHES))
    parser.add_argument("--quick", action="store_true", help="few rounds, SQLite, no page written")
    given = parser.parse_args()
    if unknown := set(given.names) - set(BENCHES):
        parser.error(f"no bench named {', '.join(sorted(unknown))}: there are {', '.join(BENCHES)}")
    head = HEAD.format(cores=os.cpu_count(), python=platform.python_version())
    parts = [head]
    for name in given.names or BENCHES:
        report: Report = import_module(f"bench.{name}").run(is_quick=given.quick)
        parts.append(report.markdown())
        print(f"{parts[-1]}\n", flush=True)
    if not given.names and not given.quick:
        PAGE.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
        print(f"Written to docs/{PAGE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
