"""What a database needs before anybody uses it: its environment, the chart, the first rules."""

from datetime import datetime
from pathlib import Path

from sqlalchemy import select, text

from app import vault
from app.db import db, reading, transaction
from app.ledger.chart import CHART
from app.models import AgreementTemplate, Deployment, HouseAccount, Person, PolicyVersion
from app.rules.policy import PolicyInvalid
from app.services import agreement_templates, policies

INSTALLER = "installer"
_HEAD = Path(__file__).resolve().parents[2] / "migrations" / ".current-head"


class WrongEnvironment(Exception):
    """The database was made by the other environment; it is never used by this one."""

    def __init__(self, made_by: str, used_by: str) -> None:
        super().__init__(f"the database was made by {made_by}; {used_by} must not use it")


# What is wrong with the files or the database, in words for whoever installs.
NOT_INSTALLABLE = (WrongEnvironment, PolicyInvalid, agreement_templates.TemplateInvalid)


def install(*, environment: str, policy_toml: str, template: str, at: datetime) -> list[str]:
    """The database carries its environment, the chart, a first policy and agreement template.

    Doing it again adds what is missing and changes nothing. Returns what was added. Raises
    `WrongEnvironment`, `PolicyInvalid`, `TemplateInvalid`.
    """
    added = []
    with transaction() as session:
        made = session.get(Deployment, 1)
        if made is None:
            session.add(Deployment(id=1, environment=environment, made_at=at))
            added.append(f"environment {environment}")
        elif made.environment != environment:
            raise WrongEnvironment(made.environment, environment)
        added += _chart()
        if session.scalar(select(PolicyVersion.id).limit(1)) is None:
            added.append(f"policy {policies.install_first(policy_toml, by=INSTALLER, at=at)}")
        if session.scalar(select(AgreementTemplate.id).limit(1)) is None:
            code = agreement_templates.install_first(template, by=INSTALLER, at=at)
            added.append(f"agreement template {code}")
        added += _masked_keys()
    return added


def reasons_not_to_serve(environment: str) -> list[str]:
    """Why this database cannot serve this environment; empty when it can."""
    with reading() as session:
        stands_at = session.scalar(text("SELECT version_num FROM alembic_version")) or "none"
        head = _HEAD.read_text("ascii").strip()
        if stands_at == "none" or stands_at < head:  # a newer one serves us, too
            return [f"the database stands at migration {stands_at}, not {head}: `flask db upgrade`"]
        made = session.get(Deployment, 1)
        if made is None:
            return ["the database is not installed: run `flask db upgrade` and `flask install`"]
        reasons = []
        if made.environment != environment:
            reasons.append(f"the database was made by {made.environment}, not by {environment}")
        versions = session.scalars(select(PolicyVersion)).all()
        if not versions:
            reasons.append("no policy is installed")
        if environment == "production":
            reasons += _privileges()
            reasons += [
                f"policy {version.code} holds placeholders: nobody decided those figures"
                for version in versions
                if version.has_placeholders
            ]
        return reasons


def _masked_keys() -> list[str]:
    """People who came before masked keys were searched by can be found by them, too."""
    people = db.session().scalars(select(Person).where(Person.masked_keys_index.is_(None))).all()
    for person in people:
        person.masked_keys_index = vault.masked_keys_index(person.id_number, person.phone)
    return [f"masked keys of {len(people)} people"] if people else []


def _privileges() -> list[str]:
    """A login that could change the books makes nothing of their being append-only."""
    session = db.session()
    if session.get_bind().dialect.name != "postgresql" or not session.scalar(
        text("SELECT has_table_privilege('journal', 'UPDATE')")
    ):
        return []
    return ["DATABASE_URL's login may change journals: let it be a mere member of `lingcun_app`"]


def _chart() -> list[str]:
    session = db.session()
    there = set(session.scalars(select(HouseAccount.code)))
    missing = [account for account in CHART if account.code not in there]
    for account in missing:
        session.add(
            HouseAccount(
                code=account.code,
                name=account.name,
                side=account.side,
                parent_code=account.parent_code,
                is_personal=account.is_personal,
            )
        )
        session.flush()
    return [f"account {account.code} {account.name}" for account in missing]
