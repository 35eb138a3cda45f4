# The engine and its dashboard in one image. The database is a server of its own: compose.yaml.
FROM python:3.11-slim-bookworm AS build
WORKDIR /app
COPY requirements.lock pyproject.toml ./
# uv at the version and hashes of the lock; then only what pyproject.toml asks for at run time,
# at the versions and hashes of the lock.
RUN awk '/^uv==/ { on = 1 } on { print } on && !/\\$/ { exit }' requirements.lock > uv.txt \
    && pip install --no-cache-dir --require-hashes --requirement uv.txt \
    && uv venv .venv \
    && echo setuptools > setuptools.txt \
    && uv pip install --no-cache --compile-bytecode --require-hashes \
        --constraint requirements.lock --requirement pyproject.toml --requirement setuptools.txt
COPY . .
RUN uv pip install --no-cache --no-deps --no-build-isolation --editable . \
    && .venv/bin/python -m web.assets.build

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/plimsoll --create-home plimsoll
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH PLIMSOLL_DATA=/var/lib/plimsoll PYTHONUNBUFFERED=1
VOLUME /var/lib/plimsoll
USER plimsoll
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/health', timeout=2)"]
CMD ["plimsoll", "serve", "--host", "0.0.0.0", "--port", "8080"]
