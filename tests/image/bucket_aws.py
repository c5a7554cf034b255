"""The aws command for scripts/sync-assets.sh: a directory in the place of a bucket. Nothing is overwritten.

Run as a program; BUCKET_PLAY is the directory, ``<key>`` in it an object and ``<key>.told`` what came with
it. ``refused`` in it holds keys, one on a line, that AWS refuses.
"""

import json
import os
import sys
from pathlib import Path


def fail(words: str) -> None:
    sys.stderr.write(f"\nAn error occurred {words}\n")
    sys.exit(254)


def main() -> None:
    service, operation, *words = sys.argv[1:]
    options = {name.removeprefix("--"): value for name, value in zip(words[::2], words[1::2], strict=True)}
    place = Path(os.environ["BUCKET_PLAY"])
    with (place / "calls.jsonl").open("a") as log:
        log.write(json.dumps([service, operation, options]) + "\n")
    object_ = place / options["key"]
    if operation == "head-object":
        if not object_.exists():
            fail("(404) when calling the HeadObject operation: Not Found")
        return
    if options["key"] in (place / "refused").read_text().splitlines():
        fail("(AccessDenied) when calling the PutObject operation: Access Denied")
    if options.get("if-none-match") != "*":  # the bucket's policy
        fail("(AccessDenied) when calling the PutObject operation: explicit deny in a resource-based policy")
    if object_.exists():
        fail("(PreconditionFailed) when calling the PutObject operation: At least one of the pre-conditions")
    object_.parent.mkdir(parents=True, exist_ok=True)
    object_.write_bytes(Path(options["body"]).read_bytes() if "body" in options else b"")
    object_.with_name(object_.name + ".told").write_text(json.dumps(options))


if __name__ == "__main__":
    main()
