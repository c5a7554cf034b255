"""The blueprint that the guests' pages hang their routes on."""

from flask import Blueprint

blueprint = Blueprint("guest", __name__)
