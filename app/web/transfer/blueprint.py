"""The blueprint that the doors hang their routes on."""

from flask import Blueprint

blueprint = Blueprint("transfer", __name__)
