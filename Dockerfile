# The dashboard on the sample:  docker build -t segmentation . && docker run --rm -p 8501:8501 segmentation
# A report in a folder of yours: mkdir -p out && docker run --rm --user "$(id -u)" -v "$PWD/out:/app/report/sample" segmentation report
# For x86-64 and arm64: docker buildx build --platform linux/amd64,linux/arm64 . All that is installed has wheels for both.
# The base is the Python of the committed manifest, by the digest of its index for all processors; to renew both, and that of
# .devcontainer/Dockerfile: docker buildx imagetools inspect python:3.14-slim-trixie
FROM python:3.14.8-slim-trixie@sha256:f85c5697265c178cc6887276c55fe16cf3d14ca35c3df6a5eab3b360534a55d2 AS build
WORKDIR /app
COPY requirements.txt pyproject.toml ./
# uv by its hash in the lock; then what a report, its PDF and the dashboard need, each package by its version and hash there too.
RUN python -m venv /opt/uv \
    && sed -n "/^uv==/,/[^\\]$/p" requirements.txt > /opt/uv/uv.txt \
    && /opt/uv/bin/python -m pip install --no-cache-dir --disable-pip-version-check \
       --require-hashes --only-binary :all: --requirement /opt/uv/uv.txt
RUN python -m venv --without-pip /opt/venv \
    && /opt/uv/bin/uv pip install --no-cache --python /opt/venv/bin/python --compile-bytecode --require-hashes --only-binary :all: \
       --constraint requirements.txt --requirement pyproject.toml --extra dashboard --extra pdf
COPY . .
RUN /opt/uv/bin/uv pip install --no-cache --python /opt/venv/bin/python --no-deps --build-constraint requirements.txt --editable .

FROM python:3.14.8-slim-trixie@sha256:f85c5697265c178cc6887276c55fe16cf3d14ca35c3df6a5eab3b360534a55d2
# For report.pdf. Debian keeps one version of each package; the digest of the base tells which Debian it is.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin analyst
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
# What Jupyter and Matplotlib keep between runs has no place here: any user may run this, and none owns a home.
ENV PATH=/opt/venv/bin:$PATH HOME=/tmp USER=analyst PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /app
# All but these two belongs to root.
RUN install --directory --mode 0777 assets report
USER 10001
# The dashboard finds the sample made; whoever runs the image may make it again.
RUN umask 000 && python -m segmentation report
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
ENTRYPOINT ["python", "-m", "segmentation"]
CMD ["dashboard", "--run", "sample", "--host", "0.0.0.0", "--port", "8501"]
