"""T1: what everybody gets at every address, by method. A new route goes here first.

"customer" sent the upload that is asked for, "stranger" is a customer of another organisation.
Everybody but anonymous sends a token; what needs a person who has just signed in is 403 to it.
415 and 422 mean that somebody came as far as the content.
"""

PRINCIPALS = ("anonymous", "customer", "stranger", "engineer", "admin")

MATRIX = """
methods           rule                                    anonymous customer stranger engineer admin
GET,HEAD          /                                       303       200      200      200      200
OPTIONS           /                                       200       200      200      200      200
GET,HEAD          /api/v1/uploads                         401       200      200      200      200
OPTIONS           /api/v1/uploads                         401       200      200      200      200
GET,HEAD          /api/v1/uploads/<uuid:upload_id>        401       200      404      200      200
DELETE            /api/v1/uploads/<uuid:upload_id>        401       403      403      403      204
OPTIONS           /api/v1/uploads/<uuid:upload_id>        401       200      200      200      200
GET,HEAD          /api/v1/uploads/<uuid:upload_id>/content 401      200      404      200      200
OPTIONS           /api/v1/uploads/<uuid:upload_id>/content 401      200      200      200      200
GET,HEAD          /download/<uuid:upload_id>              401       200      404      200      200
OPTIONS           /download/<uuid:upload_id>              401       200      200      200      200
GET,HEAD          /files                                  401       200      200      200      200
OPTIONS           /files                                  401       200      200      200      200
GET,HEAD          /files/<uuid:upload_id>                 401       200      404      200      200
OPTIONS           /files/<uuid:upload_id>                 401       200      200      200      200
GET,HEAD          /files/<uuid:upload_id>/receipt         401       200      404      200      200
OPTIONS           /files/<uuid:upload_id>/receipt         401       200      200      200      200
POST              /files/<uuid:upload_id>/delete          401       403      403      403      303
OPTIONS           /files/<uuid:upload_id>/delete          401       403      403      403      200
GET,HEAD,OPTIONS  /healthz                                200       200      200      200      200
GET,HEAD          /quarantine                             401       403      403      200      200
OPTIONS           /quarantine                             401       403      403      200      200
GET,HEAD          /quarantine/<uuid:upload_id>/clean-members 401    403      403      200      200
OPTIONS           /quarantine/<uuid:upload_id>/clean-members 401    403      403      200      200
GET,HEAD          /quarantine/<uuid:upload_id>/delete     401       403      403      200      200
POST              /quarantine/<uuid:upload_id>/delete     401       403      403      303      303
OPTIONS           /quarantine/<uuid:upload_id>/delete     401       403      403      200      200
GET,HEAD,POST     /quarantine/<uuid:upload_id>/release    401       403      403      403      403
OPTIONS           /quarantine/<uuid:upload_id>/release    401       403      403      200      200
POST              /quarantine/<uuid:upload_id>/rescan     401       403      403      303      303
OPTIONS           /quarantine/<uuid:upload_id>/rescan     401       403      403      200      200
POST              /quarantine/<uuid:upload_id>/withdraw   401       403      403      303      303
OPTIONS           /quarantine/<uuid:upload_id>/withdraw   401       403      403      200      200
GET,HEAD,OPTIONS  /readyz                                 200       200      200      200      200
GET,HEAD,OPTIONS  /metrics                                200       200      200      200      200
GET,HEAD          /sign-in                                200       303      303      303      303
POST              /sign-in                                403       422      422      422      422
OPTIONS           /sign-in                                200       200      200      200      200
GET,HEAD,POST     /sign-in/again                          401       403      403      403      403
OPTIONS           /sign-in/again                          401       200      200      200      200
POST              /sign-out                               401       303      303      303      303
OPTIONS           /sign-out                               401       200      200      200      200
GET,HEAD,OPTIONS  /static/<path:filename>                 200       200      200      200      200
POST              /tus                                    401       201      201      403      403
OPTIONS           /tus                                    204       204      204      204      204
HEAD              /tus/<uuid:upload_id>                   401       200      404      403      403
PATCH,POST        /tus/<uuid:upload_id>                   401       200      404      403      403
DELETE            /tus/<uuid:upload_id>                   401       204      404      403      403
OPTIONS           /tus/<uuid:upload_id>                   204       204      204      204      204
POST              /upload                                 401       201      201      403      403
OPTIONS           /upload                                 401       200      200      403      403
PUT,POST          /upload/<path:filename>                 401       201      201      403      403
OPTIONS           /upload/<path:filename>                 401       200      200      403      403
"""


def read_matrix() -> dict[tuple[str, str], dict[str, int]]:
    """Return (method, rule) -> principal -> expected status."""
    matrix: dict[tuple[str, str], dict[str, int]] = {}
    for line in MATRIX.strip().splitlines()[1:]:
        methods, rule, *statuses = line.split()
        for method in methods.split(","):
            expected = dict(zip(PRINCIPALS, map(int, statuses), strict=True))
            assert (method, rule) not in matrix, f"{method} {rule} stands there twice"
            matrix[method, rule] = expected
    return matrix
