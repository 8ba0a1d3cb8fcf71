# The first stage installs the packages and trains the forests; the second has what serving and
# retraining need.
FROM python:3.13-slim AS build
# requirements-cluster.txt for several machines: Dask, S3 (docs/scaling.md).
ARG REQUIREMENTS=requirements.txt
ENV PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
COPY requirements*.txt /tmp/
RUN pip install --require-hashes -r /tmp/$REQUIREMENTS
WORKDIR /app
COPY . .
RUN python -m ml.forest \
 && VAR_DIR=/tmp/var BAKED_DIR=/app/baked python manage.py bake \
 && python -m compileall -q /app /opt/venv

FROM python:3.13-slim
# The folder belongs to the group root, too, so the image may run as any user of that group, as on
# OpenShift. With the setgid bit, files that the service makes there are shared with the group
# (predictor/private_files.py).
RUN useradd --system --gid root --home-dir /var/lib/diamonds --create-home diamonds \
 && chmod 2770 /var/lib/diamonds
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    VAR_DIR=/var/lib/diamonds HOST=0.0.0.0 PORT=5010 LOG_FORMAT=json
USER diamonds
VOLUME /var/lib/diamonds
EXPOSE 5010
# A first start that has to train takes up to 90 seconds.
HEALTHCHECK --interval=10s --timeout=3s --start-period=180s CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/health/ready', timeout=2)"]
# quickstart migrates, registers and activates the baked forests where none is active, then runs the
# command in its place.
ENTRYPOINT ["python", "manage.py", "quickstart", "--with-worker", "--"]
CMD ["gunicorn", "--config", "diamondsite/gunicorn.conf.py"]
