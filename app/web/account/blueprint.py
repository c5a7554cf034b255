"""The blueprint that the account's routes hang on."""

from flask import Blueprint

blueprint = Blueprint("account", __name__, url_prefix="/account")
