"""OpenAPI 3.1 at `/openapi.json` and Swagger UI at `/docs`, served from this machine alone."""

from importlib.resources import files
from typing import Any

from flask import Blueprint as PlainBlueprint
from flask import Flask
from flask_smorest import Api, Blueprint

from app.api.fields import StrictParser
from app.api.problems import ProblemSchema

_SECURITY = {"session": {"type": "http", "scheme": "bearer"}}


class _Api(Api):  # type: ignore[misc]
    ERROR_SCHEMA = ProblemSchema

    def _register_error_handlers(self) -> None:
        """`api/problems.py` answers errors: one format for the whole door."""


class Views(Blueprint):  # type: ignore[misc]
    """A blueprint whose requests are read strictly."""

    ARGUMENTS_PARSER = StrictParser()


def install(app: Flask) -> Any:
    """The OpenAPI document and its page are there; answers the registry for blueprints."""
    app.config.update(
        API_TITLE="灵存 Lingcun",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/",
        OPENAPI_JSON_PATH="openapi.json",
        OPENAPI_SWAGGER_UI_PATH="/docs",
        OPENAPI_SWAGGER_UI_URL="/docs/dist/",
    )
    dist = PlainBlueprint(
        "swagger_dist",
        __name__,
        static_folder=str(files("flask_swagger_ui") / "dist"),
        static_url_path="/docs/dist",
    )
    app.register_blueprint(dist)
    return _Api(app, spec_kwargs={"components": {"securitySchemes": _SECURITY}})


def views(name: str, *, prefix: str, description: str) -> Views:
    """A blueprint for one noun."""
    return Views(name, name, url_prefix=prefix, description=description)
