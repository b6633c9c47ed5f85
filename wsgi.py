"""What a WSGI server loads: `gunicorn wsgi:app`.

In the sandbox the keys, the embedded database and the first rules are made on the way, once, so
that `pip install -r requirements.txt && gunicorn wsgi:app` serves. In production nothing is made:
the app refuses to serve, and names every reason at once.
"""

import os
import sys
from pathlib import Path

from app import create_app
from app.serving import (
    is_a_command,
    make_sandbox_ready,
    reasons_not_to_serve,
)
from app.settings import SettingsUnfit

NOT_SERVING = 3  # what gunicorn takes as "never start me again"; for another number it would
is_serving = not is_a_command()  # commands migrate and install what serving needs
is_sandbox = os.environ.get("APP_ENV", "sandbox") == "sandbox"


def refuse_with_reasons() -> None:
    """The process ends here unless everything it needs to serve is there."""
    if reasons := reasons_not_to_serve():
        lines = ["not serving:", *(f"  - {reason}" for reason in reasons)]
        sys.stderr.write("\n".join(lines) + "\n")
        sys.exit(NOT_SERVING)


if is_sandbox:
    folder = Path(os.environ.get("SANDBOX_FOLDER", "var/sandbox"))
    if not (folder / "app.env").exists():  # whoever made it chose the ports in it
        from sandbox.keys import ensure_keys

        ensure_keys(folder)
elif is_serving:
    refuse_with_reasons()

try:
    app = create_app()
except SettingsUnfit as unfit:
    if is_serving:
        raise
    sys.exit(str(unfit))  # whoever typed a command reads the reasons, not a trace

if is_serving and is_sandbox:
    make_sandbox_ready(app)
    refuse_with_reasons()
