"""OpenStack Swift with its S3 API in one process: the store that enforces signatures, expiry and SHA-256.

    python tests/swift_server.py DIRECTORY PORT ORIGIN

Account, container, object and proxy server share one event loop. One copy of everything lies under
DIRECTORY, which needs extended attributes (ext4, xfs, tmpfs). Pages of ORIGIN may use it
(* is every page).
"""

import os
import sys
from pathlib import Path

import eventlet

os.fsync = os.fdatasync = lambda fd: None  # noqa: ARG005  # nobody cuts the power of a test
eventlet.monkey_patch()

import eventlet.wsgi  # noqa: E402
from swift.common import utils  # noqa: E402
from swift.common.ring import RingBuilder  # noqa: E402
from swift.common.wsgi import SwiftHttpProtocol, loadapp  # noqa: E402

# As in tests/s3servers.py.
ACCESS_KEY, SECRET_KEY, REGION = "test:tester", "testing", "us-east-1"

# `copy` before `slo`: otherwise ranges of a multipart object cannot be copied.
PROXY = """
[DEFAULT]
swift_dir = {directory}
log_level = ERROR
cors_allow_origin = {origin}
strict_cors_mode = true
cors_expose_headers = etag
[pipeline:main]
pipeline = catch_errors gatekeeper s3api tempauth copy slo dlo versioned_writes symlink proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
conn_timeout = 20
node_timeout = 60
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:s3api]
use = egg:swift#s3api
location = {region}
s3_acl = false
allow_multipart_uploads = true
max_upload_part_num = 10000
cors_preflight_allow_origin = {origin}
[filter:tempauth]
use = egg:swift#tempauth
user_{user} = {secret} .admin
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
max_manifest_segments = 10000
[filter:dlo]
use = egg:swift#dlo
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_object_versioning = true
[filter:symlink]
use = egg:swift#symlink
"""

# Listings wait for nobody but a server that is busy: there is no updater to make up for it.
BACK = """
[DEFAULT]
swift_dir = {directory}
devices = {directory}/devices
mount_check = false
log_level = ERROR
fallocate_reserve = 0
conn_timeout = 20
node_timeout = 60
container_update_timeout = 60
[app:main]
use = egg:swift#{name}
"""


def ring(directory: Path, name: str, port: int) -> None:
    """Write down where the one server of that kind is."""
    builder = RingBuilder(1, 1, 1)
    builder.add_dev(
        {"id": 0, "region": 1, "zone": 1, "weight": 1, "ip": "127.0.0.1", "port": port, "device": "one"}
    )
    builder.rebalance()
    builder.get_ring().save(str(directory / f"{name}.ring.gz"))


def application(directory: Path, name: str, configuration: str) -> object:
    path = directory / f"{name}.conf"
    path.write_text(configuration)
    return loadapp(str(path), global_conf={"log_name": name})


def serve(listener: object, application: object) -> None:
    eventlet.wsgi.server(
        listener,
        application,
        open("/dev/null", "w"),  # noqa: PTH123, SIM115
        protocol=SwiftHttpProtocol,
        capitalize_response_headers=False,  # SDKs want "ETag", not "Etag"
        log_output=False,
    )


def main(directory: Path, port: int, origin: str) -> None:
    (directory / "devices" / "one").mkdir(parents=True, exist_ok=True)
    utils.HASH_PATH_SUFFIX = b"tests"
    listeners = {name: eventlet.listen(("127.0.0.1", 0)) for name in ("account", "container", "object")}
    for name, listener in listeners.items():
        ring(directory, name, listener.getsockname()[1])
    for name, listener in listeners.items():
        server = application(directory, name, BACK.format(directory=directory, name=name))
        eventlet.spawn(serve, listener, server)
    proxy = application(
        directory,
        "proxy",
        PROXY.format(
            directory=directory,
            origin=origin,
            region=REGION,
            user=ACCESS_KEY.replace(":", "_"),
            secret=SECRET_KEY,
        ),
    )
    serve(eventlet.listen(("127.0.0.1", port)), proxy)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
