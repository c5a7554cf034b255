# The portal: web, workers, scheduler and migrations are this one image with different commands.
#
# Bases are pinned by digest; the weekly job renews them (docs/adr/0022-on-aws.md says where these
# come from). Stages: vendor, packages, program -> runtime, which ships -> test, which must pass first.

ARG PYTHON_IMAGE=python:3.14-slim-trixie@sha256:51dafde81dbdb6ebde285137a295cf18a47ca95234fe388a343719cb97305b3d
ARG NODE_IMAGE=node:24-trixie-slim@sha256:8ec5d7557396cfe32d21c3f9c13072355ceab22b584578ca4bb28af31120cffe

# Front-end files, as package-lock.json has them: each with its hash.
FROM ${NODE_IMAGE} AS vendor
WORKDIR /build
COPY package.json package-lock.json ./
COPY app/cli/dev/install.sh app/cli/dev/install.sh
RUN ["sh", "app/cli/dev/install.sh", "vendor"]

# Python packages: wheels alone, so nothing is compiled, and each with its hash. No pip stays behind.
FROM ${PYTHON_IMAGE} AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
COPY requirements.txt /tmp/requirements.txt
RUN python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install --no-deps --only-binary=:all: --require-hashes \
        -r /tmp/requirements.txt \
    && pip --python /opt/venv/bin/python check \
    && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv

# The program, readable by everybody whatever the umask was where it was checked out.
FROM ${PYTHON_IMAGE} AS program
WORKDIR /app
COPY app app
COPY docs/operations/health.md docs/operations/health.md
COPY docker/healthcheck.py docker/healthcheck.py
COPY gunicorn.conf.py pyproject.toml worker.py wsgi.py ./
COPY migrations migrations
COPY static static
COPY templates templates
COPY --from=vendor /build/static/vendor static/vendor
RUN chmod -R u=rwX,go=rX /app \
    && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /app

FROM ${PYTHON_IMAGE} AS runtime
# The authorities of Amazon's databases, for sslmode=verify-full. AWS adds to this file now and then;
# the build says so then, and the weekly job renews the checksum.
ARG RDS_CA_SHA256=e5bb2084ccf45087bda1c9bffdea0eb15ee67f0b91646106e466714f9de3c7e3
ADD --checksum=sha256:${RDS_CA_SHA256} --chmod=0444 \
    https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem /etc/ssl/rds-ca.pem

# Nobody but this user writes, and nowhere but to /tmp and /scratch (and /srv/bundles, where a file
# system for bundles is mounted): the root is mounted read-only. The last three are for ECS Exec.
RUN groupadd --gid 10001 diagport \
    && useradd --uid 10001 --gid diagport --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin diagport \
    && install -d -o diagport -g diagport -m 0700 /scratch /srv/bundles \
    && install -d /managed-agents /var/lib/amazon/ssm /var/log/amazon/ssm \
    && python -m pip uninstall --yes --quiet --root-user-action ignore pip
COPY --from=packages /opt/venv /opt/venv
COPY --from=program /app /app

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TMPDIR=/scratch \
    DIAGPORT_HEARTBEATS=/tmp
WORKDIR /app
USER 10001:10001
VOLUME ["/tmp", "/scratch"]
EXPOSE 8000
STOPSIGNAL SIGTERM
# Amazon ECS does not read this; the task definitions say the same.
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s --retries=3 \
    CMD ["python", "/app/docker/healthcheck.py"]
# Last, because they change with every commit.
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="Diagport" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"
CMD ["gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"]

# `docker build --target test .`: what only the image itself can show.
FROM runtime AS test
COPY --chmod=0444 docker/selftest.py /app/docker/selftest.py
RUN ["python", "/app/docker/selftest.py"]

# The default is what ships, not the test.
FROM runtime
