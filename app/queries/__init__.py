"""Reads. Everything about uploads starts at `uploads.visible_to`."""
