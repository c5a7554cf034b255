"""The session cookie: only signed. How long it is good is for the database to say.

Flask's own refuses what was signed too long ago, or in the future, by the clock of the node that
reads it: a node that is minutes off would sign people out whom another has signed in.
"""

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from itsdangerous import BadSignature


class AgelessSessions(SecureCookieSessionInterface):
    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return what the cookie says if we have signed it, whenever that was; an empty session if not."""
        serializer = self.get_signing_serializer(app)
        value = request.cookies.get(self.get_cookie_name(app))
        if serializer is None or not value:
            return self.session_class()
        try:
            return self.session_class(serializer.loads(value))
        except BadSignature:
            return self.session_class()


def install(app: Flask) -> None:
    """Let ``app`` keep its sessions so."""
    app.session_interface = AgelessSessions()
