"""What operators and load balancers ask."""

from app.web.ops.views import blueprint

__all__ = ["blueprint"]
