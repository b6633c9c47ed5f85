"""What a WSGI server loads: `gunicorn wsgi:app`.

In the sandbox the keys, the embedded database and the first rules are made on the way, once, so
that `pip install -r requirements.txt && gunicorn wsgi:app` serves. In production nothing is made:
the app refuses to serve, and names every reason at once.
"""

import os
import sys
from pathlib import Path

from app import create_app
from app.serving import make_sandbox_ready, reasons_not_to_serve

# The `flask` command loads this file, too, to migrate and install what serving needs.
is_serving = os.environ.get("FLASK_RUN_FROM_CLI") != "true"

if os.environ.get("APP_ENV", "sandbox") == "sandbox":
    folder = Path(os.environ.get("SANDBOX_FOLDER", "var/sandbox"))
    if not (folder / "app.env").exists():  # whoever made it chose the ports in it
        from sandbox.keys import ensure_keys

        ensure_keys(folder)
elif is_serving and (reasons := reasons_not_to_serve()):
    sys.exit("not serving:\n" + "\n".join(f"  - {reason}" for reason in reasons))

app = create_app()

if is_serving:
    make_sandbox_ready(app)
