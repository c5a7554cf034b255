"""The concrete parts behind `app.ports`; only `app.bootstrap` imports them."""
