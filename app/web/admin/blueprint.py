"""The blueprint that the admins' routes hang on."""

from flask import Blueprint

blueprint = Blueprint("admin", __name__, url_prefix="/admin")
