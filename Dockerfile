# The images of docker-compose.yml, from the lock files with their hashes: `loop` (Airflow and the pipeline), `superset`,
# `sandbox`. Any base will do that has CPython 3.12 with venv; the official Airflow image is the default.
ARG BASE_IMAGE=apache/airflow:3.3.2-python3.12
ARG BI_BASE_IMAGE=python:3.12-slim-bookworm

# ---- what both are installed with
FROM ${BASE_IMAGE} AS loop-tools
USER 0
WORKDIR /opt/rebuttal
ENV UV_LINK_MODE=copy UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1 PYTHONDONTWRITEBYTECODE=1
COPY requirements/uv.txt requirements/uv.txt
RUN python3 -m venv /opt/uv \
 && /opt/uv/bin/pip install --no-cache-dir --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt

FROM loop-tools AS dbt-environment
COPY requirements/dbt.txt requirements/dbt.txt
RUN /opt/uv/bin/uv venv --quiet --python "$(command -v python3)" .venv-dbt \
 && VIRTUAL_ENV=.venv-dbt /opt/uv/bin/uv pip install --quiet --require-hashes -r requirements/dbt.txt

FROM loop-tools AS loop-environment
COPY requirements.txt requirements.txt
RUN /opt/uv/bin/uv venv --quiet --python "$(command -v python3)" .venv \
 && VIRTUAL_ENV=.venv /opt/uv/bin/uv pip install --quiet --require-hashes -r requirements.txt

# ---- Airflow and the pipeline
FROM ${BASE_IMAGE} AS loop
USER 0
RUN getent passwd 50000 >/dev/null || useradd --uid 50000 --gid 0 --no-create-home --home-dir /tmp airflow; \
    mkdir -p /opt/rebuttal /var/lib/rebuttal /var/log/airflow /etc/rebuttal \
 && chown 50000:0 /var/lib/rebuttal /var/log/airflow
WORKDIR /opt/rebuttal
COPY --from=dbt-environment /opt/rebuttal/.venv-dbt .venv-dbt
COPY --from=loop-environment /opt/rebuttal/.venv .venv
COPY pyproject.toml pyproject.toml
COPY compose compose
COPY plugins plugins
COPY dags dags
COPY include include
RUN chmod -R go=u-w include plugins dags compose \
 && .venv/bin/python -m compileall -q include plugins dags compose \
 && printf '#!/opt/rebuttal/.venv/bin/python\nfrom rebuttal.cli import main\nmain()\n' > .venv/bin/rebuttal \
 && chmod 755 .venv/bin/rebuttal \
 && ln -s /opt/rebuttal/compose/with_secrets.py /usr/local/bin/with-secrets
ENV PATH=/opt/rebuttal/.venv/bin:${PATH} \
    PYTHONPATH=/opt/rebuttal/include:/opt/rebuttal/plugins \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    AIRFLOW_HOME=/tmp/airflow HOME=/tmp REBUTTAL_HOME=/var/lib/rebuttal MPLCONFIGDIR=/tmp/matplotlib \
    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 \
    GX_ANALYTICS_ENABLED=False RUNTIME__DLTHUB_TELEMETRY=false DO_NOT_TRACK=1
USER 50000:0
ENTRYPOINT ["with-secrets"]
CMD ["rebuttal", "--help"]

# ---- the company in a box and its mail catcher, for demonstrations and tests
FROM loop AS sandbox
CMD ["python", "-m", "sandbox", "serve", "--host", "0.0.0.0"]

# ---- the dashboards
FROM ${BI_BASE_IMAGE} AS superset-environment
USER 0
WORKDIR /opt/rebuttal
ENV UV_LINK_MODE=copy UV_NO_CACHE=1 PYTHONDONTWRITEBYTECODE=1
COPY requirements/uv.txt requirements/bi.txt requirements/
RUN python3 -m venv /opt/uv \
 && /opt/uv/bin/pip install --no-cache-dir --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt \
 && /opt/uv/bin/uv venv --quiet --python "$(command -v python3)" .venv-bi \
 && VIRTUAL_ENV=.venv-bi /opt/uv/bin/uv pip install --quiet --require-hashes -r requirements/bi.txt \
 && .venv-bi/bin/python -m compileall -q .venv-bi/lib/python3*/site-packages/superset

FROM ${BI_BASE_IMAGE} AS superset
USER 0
RUN getent passwd 50000 >/dev/null || useradd --uid 50000 --gid 0 --no-create-home --home-dir /tmp superset; \
    mkdir -p /var/lib/rebuttal && chown 50000:0 /var/lib/rebuttal
WORKDIR /opt/rebuttal
COPY --from=superset-environment /opt/rebuttal/.venv-bi .venv-bi
COPY compose compose
COPY include/config include/config
COPY include/bi include/bi
RUN chmod -R go=u-w include compose && ln -s /opt/rebuttal/compose/with_secrets.py /usr/local/bin/with-secrets
ENV PATH=/opt/rebuttal/.venv-bi/bin:${PATH} \
    PYTHONPATH=/opt/rebuttal/include PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONWARNINGS=ignore \
    HOME=/tmp REBUTTAL_HOME=/var/lib/rebuttal SUPERSET_CONFIG_PATH=/opt/rebuttal/include/bi/superset_config.py \
    SCARF_ANALYTICS=false OMP_NUM_THREADS=1
USER 50000:0
ENTRYPOINT ["with-secrets"]
CMD ["gunicorn", "--bind", "0.0.0.0:8088", "--workers", "2", "--worker-class", "gthread", "--threads", "8", "--timeout", "120", "--worker-tmp-dir", "/tmp", "superset.app:create_app()"]
