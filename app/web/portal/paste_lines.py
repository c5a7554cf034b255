"""Lines to paste on a server, as `/send-from-a-server` shows them; each is run by a test."""

import hashlib
from urllib.parse import urlsplit

#: An older line for the host goes first: some programs heed the first one, others the last.
_NETRC = (
    "(umask 077; {ask}; touch ~/.netrc; sed -i '/^machine {host} /d' ~/.netrc; "
    "printf 'machine {host} login {login} password %s\\n' {values} >> ~/.netrc; chmod 600 ~/.netrc)"
)
_SUPPORT_BUNDLE = """\
spec:
  afterCollection:
    - uploadResultsTo:
        method: PUT
        uri: {url_with_token}/upload/support-bundle.tar.gz?case=CS-1234
"""
_TUSPY = """\
python3 - <<'END'
from tusclient.client import TusClient

client = TusClient("{url}/tus")
client.uploader(
    "bundle.tgz",
    chunk_size=16 * 2**20,
    metadata={{"filename": "bundle.tgz", "case": "CS-1234"}},
    upload_checksum=True,
).upload()
END
"""


def paste_lines(url: str, client: bytes) -> dict[str, str]:
    """Return the lines by name, for the portal at ``url`` that serves this ``client``.

    The names are the ids of the page's elements.
    """
    host = urlsplit(url).hostname
    checksum = hashlib.sha256(client).hexdigest()
    token = {"ask": "printf 'Token: '; read -r token", "login": "token", "values": '"$token"'}
    ticket = {
        "ask": "printf 'Case: '; read -r case; printf 'Ticket: '; read -r ticket",
        "login": "%s",
        "values": '"$case" "$ticket"',
    }
    lines = {
        "netrc-token": _NETRC.format(host=host, **token),
        "netrc-ticket": _NETRC.format(host=host, **ticket),
        "diagport-get": f"curl -fsSO {url}/diagport.py\necho '{checksum}  diagport.py' | sha256sum -c",
        "diagport-send": "python3 diagport.py --case CS-1234 bundle.tgz",
        "curl-put": f'curl --netrc -T bundle.tgz "{url}/upload/bundle.tgz?case=CS-1234"',
        "curl-form": (
            f'curl --netrc -F case=CS-1234 -F note="Down since 04:12" -F diag=@bundle.tgz {url}/upload'
        ),
        "curl-ticket": f"curl -u CS-1234 -T bundle.tgz {url}/upload/bundle.tgz",
        "wget-put": (
            "wget -qO- --auth-no-challenge --content-on-error --method=PUT --body-file=bundle.tgz "
            f'"{url}/upload/bundle.tgz?case=CS-1234"'
        ),
        "sos-report": (
            f'sudo sos report --compression-type gzip --upload-url "{url}/upload/?case=CS-1234" '
            "--upload-user token"
        ),
        "support-bundle": _SUPPORT_BUNDLE.format(url_with_token=url.replace("://", "://token:TOKEN@")),
        "tuspy": _TUSPY.format(url=url),
    }
    return {name: text.strip() for name, text in lines.items()}
