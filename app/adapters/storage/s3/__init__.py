"""Bundles in a bucket of S3, or of a store that speaks it (docs/storage.md, ADR 0013)."""
