"""T1: what everybody gets at every address, by method. A new route goes into its table first.

"customer" sent the upload that is asked for, "stranger" is a customer of another organisation,
"ticket" has one for another case of the customer's organisation, "manager" manages its people, "service"
is a machine of it that comes with a JWT of its own issuer, with all scopes that such a one can have.
Everybody else but anonymous and ticket sends a token; what needs a person at a browser is 403 to it.
Whoever asks below /t/ acts with the ticket in the address.
415 and 422 mean that somebody came as far as the content; 409, that there is no S3 here to send to.
"""

from pathlib import Path

_TABLE = Path(__file__).with_suffix(".txt")

PRINCIPALS = ("anonymous", "customer", "stranger", "engineer", "admin", "ticket", "manager", "service")


def read_matrix() -> dict[tuple[str, str], dict[str, int]]:
    """Return (method, rule) -> principal -> expected status."""
    matrix: dict[tuple[str, str], dict[str, int]] = {}
    for line in _TABLE.read_text().splitlines()[1:]:
        methods, rule, *statuses = line.split()
        for method in methods.split(","):
            expected = dict(zip(PRINCIPALS, map(int, statuses), strict=True))
            assert (method, rule) not in matrix, f"{method} {rule} stands there twice"
            matrix[method, rule] = expected
    return matrix
