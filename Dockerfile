# Any base that is Debian-like: python3 is installed where it has none.
ARG BASE=python:3.13-slim-bookworm

FROM ${BASE} AS build
RUN python3 -c 'import ensurepip' 2>/dev/null \
 || { apt-get update -q \
      && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends python3-venv ca-certificates; }
# pip stays in a virtual environment of its own, so that the one which is shipped has nothing that installs or builds.
RUN python3 -m venv /opt/pip && python3 -m venv --without-pip /opt/live-event-bridge
ENV PIP_PYTHON=/opt/live-event-bridge PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
COPY requirements.lock ./
RUN /opt/pip/bin/pip install -q --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY bridge bridge
RUN /opt/pip/bin/pip install -q --no-deps . && /opt/live-event-bridge/bin/live-event-bridge --version

FROM ${BASE}
RUN command -v python3 >/dev/null \
 || { apt-get update -q \
      && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends python3 ca-certificates \
      && apt-get clean && rm -rf /var/lib/apt/lists/*; }
COPY --from=build /opt/live-event-bridge /opt/live-event-bridge
RUN mkdir /etc/live-event-bridge && install -d -o 10001 -g 10001 /var/lib/live-event-bridge
ENV PATH=/opt/live-event-bridge/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
# The only place that is written to: the root file system may be read-only.
VOLUME /var/lib/live-event-bridge
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
  CMD ["live-event-bridge", "health", "--config", "/etc/live-event-bridge"]
ENTRYPOINT ["live-event-bridge"]
CMD ["run", "--config", "/etc/live-event-bridge"]
