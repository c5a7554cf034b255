"""Forms as browsers and `curl -F` send them."""

#: (field name, file name or None, content)
Part = tuple[str, str | None, bytes]


def encode_form(*parts: Part, boundary: str = "----a-boundary") -> tuple[bytes, str]:
    """Return body and Content-Type of a multipart form, its parts in the order given."""
    body = b""
    for name, filename, content in parts:
        disposition = f'form-data; name="{name}"'
        if filename is not None:
            disposition += '; filename="{}"'.format(filename.replace('"', "%22"))
        head = f"--{boundary}\r\nContent-Disposition: {disposition}\r\n\r\n"
        body += head.encode("utf-8", "surrogateescape") + content + b"\r\n"
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"
