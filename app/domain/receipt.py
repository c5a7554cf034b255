"""The line by which a sender compares what we have with what they have."""

import shlex


def checksum_line(sha256: str, filename: str) -> str:
    """Return a shell command that says whether ``filename``, where it lies, has this SHA-256 (hex).

    Names come from `naming.clean_filename`: none has a backslash or a line end, which sha256sum
    would want escaped, and which `echo` would not leave alone.
    """
    name = "./-" if filename == "-" else filename  # sha256sum takes a bare one for its input
    return f"echo {shlex.quote(f'{sha256}  {name}')} | sha256sum -c"
