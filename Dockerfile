# Built with any base that is Debian-like; python3 is installed where the base has none.
ARG BASE=python:3.13-slim-bookworm

FROM ${BASE} AS build
RUN python3 -c 'import ensurepip' 2>/dev/null \
 || { apt-get update -q && apt-get install -q -y --no-install-recommends python3 python3-venv ca-certificates; }
WORKDIR /build
RUN python3 -m venv /opt/live-event-bridge
COPY requirements.lock ./
RUN /opt/live-event-bridge/bin/pip install -q --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY bridge bridge
RUN /opt/live-event-bridge/bin/pip install -q --no-cache-dir --disable-pip-version-check --no-deps . \
 && /opt/live-event-bridge/bin/pip uninstall -q -y pip \
 && /opt/live-event-bridge/bin/live-event-bridge --version

FROM ${BASE}
RUN command -v python3 >/dev/null \
 || { apt-get update -q && apt-get install -q -y --no-install-recommends python3 ca-certificates \
      && rm -rf /var/lib/apt/lists/*; }
COPY --from=build /opt/live-event-bridge /opt/live-event-bridge
RUN mkdir -p /var/lib/live-event-bridge /etc/live-event-bridge \
 && chown 10001:10001 /var/lib/live-event-bridge
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
