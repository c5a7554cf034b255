"""Writes. The first argument of what changes rows is a UnitOfWork; none of it commits."""
