"""The first people: `flask staff add-administrator`. Everybody after them is approved by two."""

import getpass

import click
from flask.cli import with_appcontext

from app import clock
from app.errors import Fact, Unacceptable
from app.services import staff_activation


@click.group("staff")
def staff_group() -> None:
    """The centre's own people."""


@staff_group.command("add-administrator")
@click.option("--login", prompt=True, help="What he signs in with: a-z, 0-9, dot, dash.")
@click.option("--name", prompt=True, help="His name as on his identity card.")
@click.option(
    "--id-number", prompt="ID number", help="Asked for when left out, to keep it private."
)
@with_appcontext
def add_administrator(login: str, name: str, id_number: str) -> None:
    """Invite a security administrator and print the code that activates the account.

    Works until two people administer; from then on they decide about further accounts, together.
    The code is good for a day and is shown once: hand it over in person.
    """
    try:
        code = staff_activation.add_administrator(
            login=login, name=name, id_number=id_number, by=getpass.getuser(), at=clock.now()
        )
    except Unacceptable as unfit:
        lines = [f"{field}: {why}" for field, whys in unfit.fields.items() for why in whys]
        raise click.ClickException("\n".join(lines)) from unfit
    except Fact as fact:
        raise click.ClickException(fact.detail) from fact
    click.echo(f"invited {login}; activation code, good for 24 hours: {code}")
    click.echo("next: POST /v1/staff/activations with login, code and a password of his own")
