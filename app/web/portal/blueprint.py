"""The blueprint that the pages hang their routes on."""

from flask import Blueprint

blueprint = Blueprint("portal", __name__)
