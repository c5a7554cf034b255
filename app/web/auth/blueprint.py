"""The blueprint that signing in and out hang their routes on."""

from flask import Blueprint

blueprint = Blueprint("auth", __name__)
