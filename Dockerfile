# The image of web, worker and commands. It holds no secret and no data: settings come
# from the environment, everything else is in PostgreSQL.
FROM python:3.11-slim-trixie AS build
COPY requirements-server.txt /tmp/
RUN python -m venv /opt/keyway \
    && /opt/keyway/bin/pip install --no-cache-dir --require-hashes -r /tmp/requirements-server.txt

FROM python:3.11-slim-trixie
# pg_dump and pg_restore, for manage.py backup and restore.
RUN apt-get update \
    && apt-get install -y --no-install-recommends postgresql-client \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin keyway
COPY --from=build /opt/keyway /opt/keyway
WORKDIR /srv/keyway
COPY manage.py ./
COPY config config
COPY integrations integrations
COPY scim scim
COPY static static
COPY templates templates
COPY tokens tokens
COPY workspaces workspaces
ENV PATH=/opt/keyway/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    KEYWAY_VAR_DIR=/var/lib/keyway \
    PROMETHEUS_MULTIPROC_DIR=/tmp/keyway-metrics
RUN python -m compileall -q . \
    && KEYWAY_ENV=development python manage.py collectstatic --noinput --verbosity 0 \
    && rm -f /var/lib/keyway/*.sqlite3
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=4 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["granian", "--interface=wsgi", "--host=0.0.0.0", "--port=8000", "--workers=2", "--blocking-threads=4", "--log-level=warning", "config.wsgi:application"]
