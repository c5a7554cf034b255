"""What must hold for the templates as written."""

import ast
import re

import pytest
from flask import Flask
from jinja2 import meta, nodes

from tests.architecture.source import files, text, tree

TEMPLATES = {
    path.relative_to("templates").as_posix(): text(path) for path in files(".html", below="templates")
}

#: A strict content security policy runs none of these.
_INLINE = {
    "script": re.compile(r"<script(?![^>]*\bsrc=)", re.IGNORECASE),
    "style element": re.compile(r"<style\b", re.IGNORECASE),
    "style attribute": re.compile(r"\sstyle\s*=", re.IGNORECASE),
    "event attribute": re.compile(r"\s(?:on[a-z]+|hx-on[:a-z-]*)\s*=", re.IGNORECASE),
    "script address": re.compile(r"javascript:", re.IGNORECASE),
    "unescaped value": re.compile(r"\|\s*safe\b"),
}

#: Mails are styled in place, for no program takes style sheets from elsewhere; pages are not.
_IN_MAILS = {"style element", "style attribute"}

#: What would make a mail program fetch something.
_REMOTE = re.compile(
    r"\bsrc|background\s*=|url\s*\(|@import|@font-face|<(?:link|img|object|iframe|video|audio|base|form)\b|https?:",
    re.IGNORECASE,
)


def _referenced(app: Flask, source: str) -> set[str]:
    return {name for name in meta.find_referenced_templates(app.jinja_env.parse(source)) if name}


def _rendered() -> set[str]:
    """Return every template named in Python."""
    strings = (
        node.value
        for path in files(".py", below="app")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant)
    )
    return {value for value in strings if isinstance(value, str) and re.fullmatch(r"[\w/]+\.html", value)}


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_the_template_compiles_and_names_only_what_exists(app: Flask, name: str) -> None:
    assert app.jinja_env.get_template(name).name == name
    assert _referenced(app, TEMPLATES[name]) <= set(TEMPLATES)


def test_every_template_is_used(app: Flask) -> None:
    used, ahead = set[str](), _rendered()
    while ahead:
        used |= ahead
        ahead = {other for name in ahead for other in _referenced(app, TEMPLATES[name])} - used
    assert used == set(TEMPLATES)


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_nothing_in_the_template_runs_or_styles_inline(name: str) -> None:
    allowed = _IN_MAILS if name.startswith("mail/") else set()
    assert {what for what, pattern in _INLINE.items() if pattern.search(TEMPLATES[name])} <= allowed


def test_no_mail_fetches_anything() -> None:
    mails = {name for name in TEMPLATES if name.startswith("mail/")}
    assert mails
    assert [name for name in mails if _REMOTE.search(TEMPLATES[name])] == []


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_the_template_uses_what_it_imports(app: Flask, name: str) -> None:
    parsed = app.jinja_env.parse(TEMPLATES[name])
    imported = {
        one if isinstance(one, str) else one[1]
        for node in parsed.find_all(nodes.FromImport)
        for one in node.names
    }
    used = {node.name for node in parsed.find_all(nodes.Name) if node.ctx == "load"}
    assert imported <= used
