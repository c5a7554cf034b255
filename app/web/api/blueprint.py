"""The blueprint that the JSON interface hangs its routes on."""

from flask import Blueprint

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")
