# One image for Airflow, Spark, MLflow and the jobs, and a small one for the object store that stands in for S3.
# Debian 12's own Python is 3.11, so no Python image is needed.
ARG BASE_IMAGE=debian:12.11-slim

FROM ${BASE_IMAGE} AS base
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates curl libgomp1 openjdk-17-jre-headless procps python3 python3-venv tini \
 && rm -rf /var/lib/apt/lists/* \
 && ln -s /usr/lib/jvm/java-17-openjdk-* /opt/java \
 && useradd --uid 10001 --create-home --shell /bin/sh tally
ENTRYPOINT ["tini", "--"]

# moto answers the S3 API from memory: for trying things out, not for keeping anything.
FROM base AS object-store
RUN python3 -m venv /opt/moto && /opt/moto/bin/pip install --no-cache-dir "moto[server,s3]==5.2.5"
COPY deploy/object_store.sh /opt/object_store.sh
USER tally
CMD ["sh", "/opt/object_store.sh"]

FROM base AS app
# Bytecode is made here: user tally may not write it, and each start of a command or job would compile everything again.
ENV JAVA_HOME=/opt/java UV_COMPILE_BYTECODE=1 \
    UV_PROJECT_ENVIRONMENT=/opt/venv UV_LINK_MODE=copy UV_PYTHON=/usr/bin/python3 UV_PYTHON_DOWNLOADS=never UV_NO_CACHE=1
RUN python3 -m venv /opt/uv && /opt/uv/bin/pip install --no-cache-dir uv==0.13.9
WORKDIR /opt/tallystick
# The environment and the jars come before the code: a change of code then rebuilds one small layer.
COPY pyproject.toml uv.lock ./
RUN /opt/uv/bin/uv sync --frozen --no-dev --no-install-project
COPY scripts/fetch_jars.py scripts/trouble.py scripts/jars.lock.json scripts/
RUN python3 scripts/fetch_jars.py --into /opt/jars
COPY . .
RUN /opt/uv/bin/uv sync --frozen --no-dev \
 && python3 -m compileall -q dags jobs tallystick \
 && mkdir -p /warehouse /opt/airflow \
 && chown tally:tally /warehouse /opt/airflow
ENV PATH=/opt/venv/bin:$PATH PYSPARK_PYTHON=/opt/venv/bin/python3 AIRFLOW_HOME=/opt/airflow PYTHONDONTWRITEBYTECODE=1
USER tally
# The loops of kernel and graph, compiled here for machines of this kind; on another kind each container compiles them
# once.
RUN python3 -c "import tallystick.kernel.loops, tallystick.graph.row_loops, tallystick.graph.flow_loops, \
tallystick.graph.neighbour_loops, tallystick.graph.cycle_loops"
CMD ["tally", "--help"]
