"""T39: the scope that a token needs at every address, by method. A new route goes here too.

"anybody" asks for no scope; "ticket" looks at the ticket in the address, not at what is sent; "person" is
for somebody at a browser, whatever a token covers. "write/admin": one will do, as the role has it.
"""

TABLE = """
methods                    rule                                                 scope
GET,HEAD,OPTIONS           /                                                    anybody
GET,HEAD,OPTIONS           /account                                             person
GET,HEAD,POST,OPTIONS      /account/authenticator                               person
POST,OPTIONS               /account/followed/<uuid:case_id>/take-back           person
POST,OPTIONS               /account/manner                                      person
POST,OPTIONS               /account/notices                                     person
GET,HEAD,POST,OPTIONS      /account/passkeys/<uuid:passkey_id>                  person
GET,HEAD,POST,OPTIONS      /account/passkeys/new                                person
POST,OPTIONS               /account/passkeys/options                            person
GET,HEAD,POST,OPTIONS      /account/password                                    person
GET,HEAD,POST,OPTIONS      /account/recovery-codes                              person
POST,OPTIONS               /account/sessions/<uuid:session_id>/end              person
POST,OPTIONS               /account/sessions/end-others                         person
POST,OPTIONS               /account/times                                       person
POST,OPTIONS               /account/tokens/<uuid:token_id>/revoke               person
GET,HEAD,POST,OPTIONS      /account/tokens/new                                  person
POST,OPTIONS               /account/wishes                                      person
POST,OPTIONS               /account/wishes/<uuid:wish_id>/take-back             person
GET,HEAD,POST,OPTIONS      /activate/<token>                                    anybody
GET,HEAD,OPTIONS           /admin/audit                                         admin
GET,HEAD,OPTIONS           /admin/audit.csv                                     admin
GET,HEAD,OPTIONS           /admin/audit.json                                    admin
GET,HEAD,OPTIONS           /admin/channels                                      admin
GET,HEAD,POST,OPTIONS      /admin/channels/<uuid:channel_id>                    admin
GET,HEAD,POST,OPTIONS      /admin/channels/new                                  admin
GET,HEAD,POST,OPTIONS      /admin/deliveries                                    admin
GET,HEAD,OPTIONS           /admin/health                                        admin
GET,HEAD,POST,OPTIONS      /admin/health/jobs/<uuid:job_id>                     admin
GET,HEAD,OPTIONS           /admin/health/runbook                                admin
GET,HEAD,OPTIONS           /admin/issuers                                       admin
GET,HEAD,POST,OPTIONS      /admin/issuers/<uuid:issuer_id>                      admin
GET,HEAD,POST,OPTIONS      /admin/issuers/new                                   admin
GET,HEAD,POST,OPTIONS      /admin/machines/<uuid:account_id>                    admin
GET,HEAD,POST,OPTIONS      /admin/machines/new                                  admin
GET,HEAD,OPTIONS           /admin/organisations                                 admin
GET,HEAD,OPTIONS           /admin/organisations.csv                             admin
GET,HEAD,POST,OPTIONS      /admin/organisations/<uuid:organisation_id>          admin
GET,HEAD,POST,OPTIONS      /admin/organisations/<uuid:organisation_id>/<act>    admin
GET,HEAD,POST,OPTIONS      /admin/organisations/new                             admin
GET,HEAD,OPTIONS           /admin/people                                        admin
GET,HEAD,OPTIONS           /admin/people.csv                                    admin
GET,HEAD,POST,OPTIONS      /admin/people/<uuid:account_id>                      admin
GET,HEAD,POST,OPTIONS      /admin/people/<uuid:account_id>/<act>                admin
GET,HEAD,POST,OPTIONS      /admin/people/<uuid:account_id>/mail-address         admin
GET,HEAD,POST,OPTIONS      /admin/people/import                                 admin
GET,HEAD,POST,OPTIONS      /admin/people/invite                                 admin
GET,HEAD,OPTIONS           /admin/providers                                     admin
GET,HEAD,POST,OPTIONS      /admin/providers/<uuid:provider_id>                  admin
GET,HEAD,POST,OPTIONS      /admin/providers/new                                 admin
POST                       /api/v1/cases                                        admin
GET,HEAD,OPTIONS           /api/v1/cases                                        read
PATCH                      /api/v1/cases/<uuid:case_id>                         admin
GET,HEAD,OPTIONS           /api/v1/cases/<uuid:case_id>                         read
GET,HEAD,POST,OPTIONS      /api/v1/cases/<uuid:case_id>/tickets                 admin
POST,OPTIONS               /api/v1/direct                                       write
GET,HEAD,DELETE,OPTIONS    /api/v1/direct/<uuid:upload_id>                      write
POST,OPTIONS               /api/v1/direct/<uuid:upload_id>/complete             write
POST,OPTIONS               /api/v1/direct/<uuid:upload_id>/parts                write
GET,HEAD,PATCH,DELETE,OPTIONS /api/v1/tickets/<uuid:ticket_id>                     admin
GET,HEAD,OPTIONS           /api/v1/uploads                                      read
DELETE                     /api/v1/uploads/<uuid:upload_id>                     admin/write
GET,HEAD,OPTIONS           /api/v1/uploads/<uuid:upload_id>                     read
PATCH                      /api/v1/uploads/<uuid:upload_id>                     write
GET,HEAD,OPTIONS           /api/v1/uploads/<uuid:upload_id>/content             download
GET,HEAD,OPTIONS           /api/v1/uploads/<uuid:upload_id>/receipt             read
POST                       /cases                                               admin
GET,HEAD,OPTIONS           /cases                                               read
POST                       /cases/<uuid:case_id>                                admin
GET,HEAD,OPTIONS           /cases/<uuid:case_id>                                read
POST,OPTIONS               /cases/<uuid:case_id>/close                          admin
POST,OPTIONS               /cases/<uuid:case_id>/follow                         person
GET,HEAD,POST,OPTIONS      /cases/<uuid:case_id>/hold                           admin
GET,HEAD,POST,OPTIONS      /cases/<uuid:case_id>/hold/end                       admin
POST,OPTIONS               /cases/<uuid:case_id>/reopen                         admin
GET,HEAD,POST,OPTIONS      /cases/<uuid:case_id>/retention                      admin
GET,HEAD,POST,OPTIONS      /cases/<uuid:case_id>/tickets                        admin
GET,HEAD,OPTIONS           /cases/new                                           admin
GET,HEAD,OPTIONS           /colleagues                                          admin
GET,HEAD,OPTIONS           /colleagues/<uuid:account_id>                        admin
GET,HEAD,POST,OPTIONS      /colleagues/<uuid:account_id>/<act>                  admin
GET,HEAD,POST,OPTIONS      /colleagues/invite                                   admin
GET,HEAD,OPTIONS           /diagport.py                                         anybody
GET,HEAD,OPTIONS           /download/<uuid:upload_id>                           download
GET,HEAD,OPTIONS           /files                                               read
GET,HEAD,OPTIONS           /files/<uuid:upload_id>                              read
GET,HEAD,OPTIONS           /files/<uuid:upload_id>/activity                     admin
POST,OPTIONS               /files/<uuid:upload_id>/case                         write
GET,HEAD,POST,OPTIONS      /files/<uuid:upload_id>/delete                       admin
POST,OPTIONS               /files/<uuid:upload_id>/give-back                    admin
GET,HEAD,POST,OPTIONS      /files/<uuid:upload_id>/hand-over                    admin
GET,HEAD,POST,OPTIONS      /files/<uuid:upload_id>/hold                         admin
GET,HEAD,POST,OPTIONS      /files/<uuid:upload_id>/hold/end                     admin
GET,HEAD,POST,OPTIONS      /files/<uuid:upload_id>/keep                         admin
GET,HEAD,OPTIONS           /files/<uuid:upload_id>/receipt                      read
POST,OPTIONS               /files/<uuid:upload_id>/take                         admin
GET,HEAD,POST,OPTIONS      /files/<uuid:upload_id>/withdraw                     write
GET,HEAD,OPTIONS           /healthz                                             anybody
GET,HEAD,OPTIONS           /inbox                                               admin
GET,HEAD,OPTIONS           /metrics                                             anybody
GET,HEAD,OPTIONS           /notices                                             person
POST,OPTIONS               /notices/<uuid:notice_id>/read                       person
POST,OPTIONS               /notices/read                                        person
GET,HEAD,OPTIONS           /notices/unread                                      person
GET,HEAD,OPTIONS           /organisation/downloads                              admin
GET,HEAD,OPTIONS           /organisation/downloads.csv                          admin
GET,HEAD,OPTIONS           /quarantine                                          admin
GET,HEAD,OPTIONS           /quarantine/<uuid:upload_id>/clean-members           admin
GET,HEAD,POST,OPTIONS      /quarantine/<uuid:upload_id>/delete                  admin
GET,HEAD,POST,OPTIONS      /quarantine/<uuid:upload_id>/release                 admin
POST,OPTIONS               /quarantine/<uuid:upload_id>/rescan                  admin
POST,OPTIONS               /quarantine/<uuid:upload_id>/withdraw                admin
GET,HEAD,OPTIONS           /readyz                                              anybody
GET,HEAD,POST,OPTIONS      /reset                                               anybody
GET,HEAD,POST,OPTIONS      /reset/<token>                                       anybody
GET,HEAD,OPTIONS           /send-from-a-server                                  anybody
GET,HEAD,POST,OPTIONS      /sign-in                                             anybody
GET,HEAD,POST,OPTIONS      /sign-in/again                                       person
POST,OPTIONS               /sign-in/again/passkey                               person
POST,OPTIONS               /sign-in/again/passkey/options                       person
POST,OPTIONS               /sign-in/passkey                                     anybody
POST,OPTIONS               /sign-in/passkey/options                             anybody
GET,HEAD,POST,OPTIONS      /sign-in/second                                      anybody
POST,OPTIONS               /sign-in/second/passkey                              anybody
POST,OPTIONS               /sign-in/second/passkey/options                      anybody
GET,HEAD,OPTIONS           /sign-in/with/<slug>                                 anybody
GET,HEAD,OPTIONS           /sign-in/with/<slug>/callback                        anybody
POST,OPTIONS               /sign-out                                            person
GET,HEAD,OPTIONS           /static/<path:filename>                              anybody
GET,HEAD,POST,OPTIONS      /t                                                   anybody
GET,HEAD,POST,OPTIONS      /t/<ticket>                                          ticket
GET,HEAD,OPTIONS           /t/<ticket>/files/<uuid:upload_id>                   ticket
POST,OPTIONS               /tickets/<uuid:ticket_id>/refresh                    admin
POST,OPTIONS               /tickets/<uuid:ticket_id>/revoke                     admin
OPTIONS                    /tus                                                 anybody
POST                       /tus                                                 write
OPTIONS                    /tus/<uuid:upload_id>                                anybody
HEAD,POST,PATCH,DELETE     /tus/<uuid:upload_id>                                write
GET,HEAD,POST,OPTIONS      /unsubscribe/<token>                                 anybody
POST,PUT,OPTIONS           /upload                                              write
POST,PUT,OPTIONS           /upload/                                             write
POST,PUT,OPTIONS           /upload/<path:filename>                              write
"""


def read_table() -> dict[tuple[str, str], str]:
    """Return (method, rule) -> what is needed."""
    table: dict[tuple[str, str], str] = {}
    for line in TABLE.strip().splitlines()[1:]:
        methods, rule, needed = line.split()
        for method in methods.split(","):
            assert (method, rule) not in table, f"{method} {rule} stands there twice"
            table[method, rule] = needed
    return table
