"""Names out of an archive, made harmless for pages, mails, logs and Postgres."""


def display_name(raw: bytes) -> str:
    """Return the name as text with no control, direction or unpaired surrogate character.

    Whatever is not printable, NUL included, becomes U+FFFD. For display only: two names may
    become one.
    """
    text = raw.decode("utf-8", "replace")
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "\ufffd" for c in text)
