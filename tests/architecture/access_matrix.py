"""T1: what everybody gets at every address, by method. A new route goes here first.

"customer" sent the upload that is asked for, "stranger" is a customer of another organisation,
"ticket" has one for another case of the customer's organisation, "manager" manages its people, "service"
is a machine of it that comes with a JWT of its own issuer, with all scopes that such a one can have.
Everybody else but anonymous and ticket sends a token; what needs a person at a browser is 403 to it.
Whoever asks below /t/ acts with the ticket in the address.
415 and 422 mean that somebody came as far as the content; 409, that there is no S3 here to send to.
"""

PRINCIPALS = ("anonymous", "customer", "stranger", "engineer", "admin", "ticket", "manager", "service")

MATRIX = """
methods               rule                                           anon cust strg engr admn tckt mngr serv
GET,HEAD              /                                              303  200  200  200  200  403  200  200
OPTIONS               /                                              200  200  200  200  200  200  200  200
GET,HEAD,OPTIONS      /account                                       401  403  403  403  403  403  403  403
POST,OPTIONS          /account/manner                                401  403  403  403  403  403  403  403
POST,OPTIONS          /account/notices                               401  403  403  403  403  403  403  403
GET,HEAD,POST,OPTIONS /account/authenticator                         401  403  403  403  403  403  403  403
GET,HEAD,POST,OPTIONS /account/passkeys/<uuid:passkey_id>            401  403  403  403  403  403  403  403
GET,HEAD,POST,OPTIONS /account/passkeys/new                          401  403  403  403  403  403  403  403
POST,OPTIONS          /account/passkeys/options                      401  403  403  403  403  403  403  403
GET,HEAD,POST,OPTIONS /account/password                              401  403  403  403  403  403  403  403
GET,HEAD,POST,OPTIONS /account/recovery-codes                        401  403  403  403  403  403  403  403
POST,OPTIONS          /account/sessions/<uuid:session_id>/end        401  403  403  403  403  403  403  403
POST,OPTIONS          /account/sessions/end-others                   401  403  403  403  403  403  403  403
GET,HEAD,POST,OPTIONS /account/tokens/new                            401  403  403  403  403  403  403  403
POST,OPTIONS          /account/tokens/<uuid:token_id>/revoke         401  403  403  403  403  403  403  403
GET,HEAD,OPTIONS      /activate/<token>                              200  200  200  200  200  200  200  200
POST                  /activate/<token>                              403  422  422  422  422  422  422  422
GET,HEAD,OPTIONS      /admin/audit                                   401  403  403  403  200  403  403  403
GET,HEAD              /admin/audit.csv                               401  403  403  403  403  403  403  403
OPTIONS               /admin/audit.csv                               401  403  403  403  200  403  403  403
GET,HEAD              /admin/audit.json                              401  403  403  403  403  403  403  403
OPTIONS               /admin/audit.json                              401  403  403  403  200  403  403  403
GET,HEAD,OPTIONS      /files/<uuid:upload_id>/activity               401  403  403  200  200  403  403  403
GET,HEAD,OPTIONS      /organisation/downloads                        401  403  403  403  403  403  200  403
GET,HEAD,OPTIONS      /organisation/downloads.csv                    401  403  403  403  403  403  200  403
GET,HEAD,OPTIONS      /admin/issuers                                 401  403  403  403  200  403  403  403
GET,HEAD,POST         /admin/issuers/new                             401  403  403  403  403  403  403  403
OPTIONS               /admin/issuers/new                             401  403  403  403  200  403  403  403
GET,HEAD,POST         /admin/issuers/<uuid:issuer_id>                401  403  403  403  403  403  403  403
OPTIONS               /admin/issuers/<uuid:issuer_id>                401  403  403  403  200  403  403  403
GET,HEAD,POST         /admin/machines/new                            401  403  403  403  403  403  403  403
OPTIONS               /admin/machines/new                            401  403  403  403  200  403  403  403
GET,HEAD,POST         /admin/machines/<uuid:account_id>              401  403  403  403  403  403  403  403
OPTIONS               /admin/machines/<uuid:account_id>              401  403  403  403  200  403  403  403
GET,HEAD,OPTIONS      /admin/organisations                           401  403  403  403  200  403  403  403
GET,HEAD,OPTIONS      /admin/organisations.csv                       401  403  403  403  200  403  403  403
GET,HEAD,OPTIONS      /admin/people                                  401  403  403  403  200  403  403  403
GET,HEAD,OPTIONS      /admin/people.csv                              401  403  403  403  200  403  403  403
GET,HEAD,POST         /admin/organisations/new                       401  403  403  403  403  403  403  403
OPTIONS               /admin/organisations/new                       401  403  403  403  200  403  403  403
GET,HEAD,POST         /admin/organisations/<uuid:organisation_id>/<act> 401  403  403  403  403  403  403  403
OPTIONS               /admin/organisations/<uuid:organisation_id>/<act> 401  403  403  403  200  403  403  403
GET,HEAD,POST         /admin/people/import                           401  403  403  403  403  403  403  403
OPTIONS               /admin/people/import                           401  403  403  403  200  403  403  403
GET,HEAD,POST         /admin/people/invite                           401  403  403  403  403  403  403  403
OPTIONS               /admin/people/invite                           401  403  403  403  200  403  403  403
GET,HEAD,POST         /admin/people/<uuid:account_id>/mail-address   401  403  403  403  403  403  403  403
OPTIONS               /admin/people/<uuid:account_id>/mail-address   401  403  403  403  200  403  403  403
GET,HEAD,POST         /admin/people/<uuid:account_id>/<act>          401  403  403  403  403  403  403  403
OPTIONS               /admin/people/<uuid:account_id>/<act>          401  403  403  403  200  403  403  403
GET,HEAD              /admin/organisations/<uuid:organisation_id>    401  403  403  403  200  403  403  403
POST                  /admin/organisations/<uuid:organisation_id>    401  403  403  403  403  403  403  403
OPTIONS               /admin/organisations/<uuid:organisation_id>    401  403  403  403  200  403  403  403
GET,HEAD              /admin/people/<uuid:account_id>                401  403  403  403  200  403  403  403
POST                  /admin/people/<uuid:account_id>                401  403  403  403  403  403  403  403
OPTIONS               /admin/people/<uuid:account_id>                401  403  403  403  200  403  403  403
GET,HEAD,OPTIONS      /colleagues                                    401  403  403  403  403  403  200  403
GET,HEAD,OPTIONS      /colleagues/<uuid:account_id>                  401  403  403  403  403  403  200  403
GET,HEAD,POST         /colleagues/invite                             401  403  403  403  403  403  403  403
OPTIONS               /colleagues/invite                             401  403  403  403  403  403  200  403
GET,HEAD,POST         /colleagues/<uuid:account_id>/<act>            401  403  403  403  403  403  403  403
OPTIONS               /colleagues/<uuid:account_id>/<act>            401  403  403  403  403  403  200  403
GET,HEAD              /api/v1/cases                                  401  200  200  200  200  403  200  200
POST                  /api/v1/cases                                  401  403  403  201  201  403  403  403
OPTIONS               /api/v1/cases                                  401  200  200  200  200  403  200  200
GET,HEAD              /api/v1/cases/<uuid:case_id>                   401  200  404  200  200  403  200  200
PATCH                 /api/v1/cases/<uuid:case_id>                   401  403  403  200  200  403  403  403
OPTIONS               /api/v1/cases/<uuid:case_id>                   401  200  200  200  200  403  200  200
GET,HEAD              /api/v1/cases/<uuid:case_id>/tickets           401  403  403  200  200  403  403  403
POST                  /api/v1/cases/<uuid:case_id>/tickets           401  403  403  201  201  403  403  403
OPTIONS               /api/v1/cases/<uuid:case_id>/tickets           401  403  403  200  200  403  403  403
GET,HEAD              /api/v1/tickets/<uuid:ticket_id>               401  403  403  200  200  403  403  403
PATCH,DELETE          /api/v1/tickets/<uuid:ticket_id>               401  403  403  200  200  403  403  403
OPTIONS               /api/v1/tickets/<uuid:ticket_id>               401  403  403  200  200  403  403  403
POST                  /api/v1/direct                                 401  409  409  403  403  409  409  409
OPTIONS               /api/v1/direct                                 401  200  200  403  403  200  200  200
GET,HEAD              /api/v1/direct/<uuid:upload_id>                401  409  404  403  403  404  404  404
DELETE                /api/v1/direct/<uuid:upload_id>                401  204  404  403  403  404  404  404
OPTIONS               /api/v1/direct/<uuid:upload_id>                401  200  200  403  403  200  200  200
POST                  /api/v1/direct/<uuid:upload_id>/complete       401  409  404  403  403  404  404  404
OPTIONS               /api/v1/direct/<uuid:upload_id>/complete       401  200  200  403  403  200  200  200
POST                  /api/v1/direct/<uuid:upload_id>/parts          401  409  404  403  403  404  404  404
OPTIONS               /api/v1/direct/<uuid:upload_id>/parts          401  200  200  403  403  200  200  200
GET,HEAD              /api/v1/uploads                                401  200  200  200  200  403  200  200
OPTIONS               /api/v1/uploads                                401  200  200  200  200  403  200  200
GET,HEAD              /api/v1/uploads/<uuid:upload_id>               401  200  404  200  200  404  200  200
PATCH                 /api/v1/uploads/<uuid:upload_id>               401  200  404  200  200  403  200  200
DELETE                /api/v1/uploads/<uuid:upload_id>               401  204  404  403  204  403  403  403
OPTIONS               /api/v1/uploads/<uuid:upload_id>               401  200  200  200  200  200  200  200
GET,HEAD              /api/v1/uploads/<uuid:upload_id>/content       401  200  404  200  200  403  200  200
OPTIONS               /api/v1/uploads/<uuid:upload_id>/content       401  200  200  200  200  403  200  200
GET,HEAD              /api/v1/uploads/<uuid:upload_id>/receipt       401  200  404  200  200  404  200  200
OPTIONS               /api/v1/uploads/<uuid:upload_id>/receipt       401  200  200  200  200  200  200  200
GET,HEAD              /cases                                         401  200  200  200  200  403  200  200
POST                  /cases                                         401  403  403  303  303  403  403  403
OPTIONS               /cases                                         401  200  200  200  200  403  200  200
GET,HEAD,OPTIONS      /cases/new                                     401  403  403  200  200  403  403  403
GET,HEAD              /cases/<uuid:case_id>                          401  200  404  200  200  403  200  200
POST                  /cases/<uuid:case_id>                          401  403  403  303  303  403  403  403
OPTIONS               /cases/<uuid:case_id>                          401  200  200  200  200  403  200  200
POST                  /cases/<uuid:case_id>/close                    401  403  403  303  303  403  403  403
OPTIONS               /cases/<uuid:case_id>/close                    401  403  403  200  200  403  403  403
POST                  /cases/<uuid:case_id>/reopen                   401  403  403  303  303  403  403  403
OPTIONS               /cases/<uuid:case_id>/reopen                   401  403  403  200  200  403  403  403
GET,HEAD,OPTIONS      /cases/<uuid:case_id>/tickets                  401  403  403  200  200  403  403  403
POST                  /cases/<uuid:case_id>/tickets                  401  403  403  201  201  403  403  403
GET,HEAD,OPTIONS      /diagport.py                                   200  200  200  200  200  200  200  200
GET,HEAD              /download/<uuid:upload_id>                     401  200  404  200  200  403  200  200
OPTIONS               /download/<uuid:upload_id>                     401  200  200  200  200  403  200  200
GET,HEAD              /files                                         401  200  200  200  200  403  200  200
OPTIONS               /files                                         401  200  200  200  200  403  200  200
GET,HEAD              /files/<uuid:upload_id>                        401  200  404  200  200  403  200  200
OPTIONS               /files/<uuid:upload_id>                        401  200  200  200  200  403  200  200
GET,HEAD              /files/<uuid:upload_id>/receipt                401  200  404  200  200  403  200  200
OPTIONS               /files/<uuid:upload_id>/receipt                401  200  200  200  200  403  200  200
POST                  /files/<uuid:upload_id>/case                   401  303  404  303  303  403  303  303
OPTIONS               /files/<uuid:upload_id>/case                   401  200  200  200  200  403  200  200
GET,HEAD,POST         /files/<uuid:upload_id>/delete                 401  403  403  403  403  403  403  403
OPTIONS               /files/<uuid:upload_id>/delete                 401  403  403  403  200  403  403  403
GET,HEAD              /files/<uuid:upload_id>/withdraw               401  200  404  403  403  403  403  403
POST                  /files/<uuid:upload_id>/withdraw               401  303  404  403  403  403  403  403
OPTIONS               /files/<uuid:upload_id>/withdraw               401  200  200  403  403  403  200  200
GET,HEAD,OPTIONS      /healthz                                       200  200  200  200  200  200  200  200
GET,HEAD              /quarantine                                    401  403  403  200  200  403  403  403
OPTIONS               /quarantine                                    401  403  403  200  200  403  403  403
GET,HEAD              /quarantine/<uuid:upload_id>/clean-members     401  403  403  200  200  403  403  403
OPTIONS               /quarantine/<uuid:upload_id>/clean-members     401  403  403  200  200  403  403  403
GET,HEAD,POST         /quarantine/<uuid:upload_id>/delete            401  403  403  403  403  403  403  403
OPTIONS               /quarantine/<uuid:upload_id>/delete            401  403  403  200  200  403  403  403
GET,HEAD,POST         /quarantine/<uuid:upload_id>/release           401  403  403  403  403  403  403  403
OPTIONS               /quarantine/<uuid:upload_id>/release           401  403  403  200  200  403  403  403
POST                  /quarantine/<uuid:upload_id>/rescan            401  403  403  303  303  403  403  403
OPTIONS               /quarantine/<uuid:upload_id>/rescan            401  403  403  200  200  403  403  403
POST                  /quarantine/<uuid:upload_id>/withdraw          401  403  403  303  303  403  403  403
OPTIONS               /quarantine/<uuid:upload_id>/withdraw          401  403  403  200  200  403  403  403
GET,HEAD,OPTIONS      /readyz                                        200  200  200  200  200  200  200  200
GET,HEAD,OPTIONS      /metrics                                       200  200  200  200  200  200  200  200
GET,HEAD,OPTIONS      /send-from-a-server                            200  200  200  200  200  200  200  200
GET,HEAD,OPTIONS      /reset                                         200  200  200  200  200  200  200  200
POST                  /reset                                         403  422  422  422  422  422  422  422
GET,HEAD,OPTIONS      /reset/<token>                                 200  200  200  200  200  200  200  200
POST                  /reset/<token>                                 403  422  422  422  422  422  422  422
GET,HEAD              /sign-in                                       200  303  303  303  303  303  303  303
POST                  /sign-in                                       403  422  422  422  422  422  422  422
OPTIONS               /sign-in                                       200  200  200  200  200  200  200  200
GET,HEAD,POST,OPTIONS /sign-in/again                                 401  403  403  403  403  403  403  403
POST,OPTIONS          /sign-in/again/passkey                         401  403  403  403  403  403  403  403
POST,OPTIONS          /sign-in/again/passkey/options                 401  403  403  403  403  403  403  403
POST                  /sign-in/passkey                               403  410  410  410  410  410  410  410
OPTIONS               /sign-in/passkey                               200  200  200  200  200  200  200  200
POST                  /sign-in/passkey/options                       403  200  200  200  200  200  200  200
OPTIONS               /sign-in/passkey/options                       200  200  200  200  200  200  200  200
GET,HEAD              /sign-in/second                                303  303  303  303  303  303  303  303
POST                  /sign-in/second                                403  303  303  303  303  303  303  303
OPTIONS               /sign-in/second                                200  200  200  200  200  200  200  200
POST                  /sign-in/second/passkey                        403  401  401  401  401  401  401  401
OPTIONS               /sign-in/second/passkey                        200  200  200  200  200  200  200  200
POST                  /sign-in/second/passkey/options                403  401  401  401  401  401  401  401
OPTIONS               /sign-in/second/passkey/options                200  200  200  200  200  200  200  200
GET,HEAD,OPTIONS      /admin/providers                               401  403  403  403  200  403  403  403
GET,HEAD,POST         /admin/providers/new                           401  403  403  403  403  403  403  403
OPTIONS               /admin/providers/new                           401  403  403  403  200  403  403  403
GET,HEAD,POST         /admin/providers/<uuid:provider_id>            401  403  403  403  403  403  403  403
OPTIONS               /admin/providers/<uuid:provider_id>            401  403  403  403  200  403  403  403
GET,HEAD              /sign-in/with/<slug>                           404  404  404  404  404  404  404  404
OPTIONS               /sign-in/with/<slug>                           200  200  200  200  200  200  200  200
GET,HEAD              /sign-in/with/<slug>/callback                  404  404  404  404  404  404  404  404
OPTIONS               /sign-in/with/<slug>/callback                  200  200  200  200  200  200  200  200
POST,OPTIONS          /sign-out                                      401  403  403  403  403  403  403  403
GET,HEAD,OPTIONS      /static/<path:filename>                        200  200  200  200  200  200  200  200
GET,HEAD,OPTIONS      /t                                             200  200  200  200  200  200  200  200
POST                  /t                                             403  303  303  303  303  303  303  303
GET,HEAD,OPTIONS      /t/<ticket>                                    200  200  200  200  200  200  200  200
POST                  /t/<ticket>                                    201  201  201  201  201  201  201  201
GET,HEAD,OPTIONS      /t/<ticket>/files/<uuid:upload_id>             200  200  200  200  200  200  200  200
POST                  /tickets/<uuid:ticket_id>/refresh              401  403  403  303  303  403  403  403
OPTIONS               /tickets/<uuid:ticket_id>/refresh              401  403  403  200  200  403  403  403
POST                  /tickets/<uuid:ticket_id>/revoke               401  403  403  303  303  403  403  403
OPTIONS               /tickets/<uuid:ticket_id>/revoke               401  403  403  200  200  403  403  403
POST                  /tus                                           401  201  201  403  403  201  201  201
OPTIONS               /tus                                           204  204  204  204  204  204  204  204
HEAD                  /tus/<uuid:upload_id>                          401  200  404  403  403  404  404  404
PATCH,POST            /tus/<uuid:upload_id>                          401  200  404  403  403  404  404  404
DELETE                /tus/<uuid:upload_id>                          401  204  404  403  403  404  404  404
OPTIONS               /tus/<uuid:upload_id>                          204  204  204  204  204  204  204  204
PUT,POST              /upload                                        401  201  201  403  403  201  201  201
OPTIONS               /upload                                        401  200  200  403  403  200  200  200
PUT,POST              /upload/                                       401  201  201  403  403  201  201  201
OPTIONS               /upload/                                       401  200  200  403  403  200  200  200
PUT,POST              /upload/<path:filename>                        401  201  201  403  403  201  201  201
OPTIONS               /upload/<path:filename>                        401  200  200  403  403  200  200  200
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
