# The first stage trains the forests and installs what the second one has. That serves, exports and
# scores files; requirements.txt is for retraining, too; requirements-cluster.txt for several machines,
# with Dask and S3 (docs/scaling.md).
FROM python:3.13-slim AS build
ARG REQUIREMENTS=requirements-serving.txt
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_COMPILE=1
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev
COPY requirements*.txt /tmp/
RUN python -m venv --without-pip /opt/training \
 && pip --python /opt/training/bin/python install --require-hashes -r /tmp/requirements.txt
# Without the packages' own tests and the sources of their translations.
RUN python -m venv --without-pip /opt/venv \
 && pip --python /opt/venv/bin/python install --require-hashes -r /tmp/$REQUIREMENTS \
 && find /opt/venv \( -type d -name tests -o -name '*.po' \) -prune -exec rm -r {} +
WORKDIR /app
COPY . .
RUN export VAR_DIR=/tmp/training && mkdir -m 700 $VAR_DIR \
 && /opt/training/bin/python -m ml.forest \
 && BAKED_DIR=/app/baked /opt/training/bin/python manage.py bake
ENV PATH=/opt/venv/bin:$PATH
# Each command writes the bytecode of the modules that it imports. The packages have twice as many.
RUN export VAR_DIR=/tmp/var && mkdir -m 700 $VAR_DIR \
 && python manage.py migrate --verbosity 0 \
 && gunicorn --check-config --config diamondsite/gunicorn.conf.py \
 && python manage.py score --help > /dev/null \
 && if [ "$REQUIREMENTS" != requirements-serving.txt ]; then python manage.py retrain --help > /dev/null; fi \
 && python -m compileall -q /app

FROM python:3.13-slim
# The folder belongs to the group root, too, so the image may run as any user of that group, as on
# OpenShift. With the setgid bit, files that the service makes there are shared with the group
# (predictor/private_files.py). /etc/diamonds is for the keys that replicas share.
RUN useradd --system --gid root --home-dir /var/lib/diamonds --create-home diamonds \
 && chmod 2770 /var/lib/diamonds \
 && install -d -o diamonds -g root -m 2770 /etc/diamonds
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    VAR_DIR=/var/lib/diamonds HOST=0.0.0.0 PORT=5010 LOG_FORMAT=json
USER diamonds
VOLUME /var/lib/diamonds
EXPOSE 5010
# A first start on a slow machine takes up to 90 seconds.
HEALTHCHECK --interval=10s --timeout=3s --start-period=180s CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/health/ready', timeout=2)"]
# quickstart migrates, registers and activates the baked forests where none is active, then runs the
# command in its place.
ENTRYPOINT ["python", "manage.py", "quickstart", "--with-worker", "--"]
CMD ["gunicorn", "--config", "diamondsite/gunicorn.conf.py"]
