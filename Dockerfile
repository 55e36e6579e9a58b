# rechroma on the CPU, with the page in the browser; no network is needed once it is built.
#
#   docker build --tag rechroma .
#   docker run --rm --publish 127.0.0.1:7860:7860 rechroma
#   docker run --rm --network none --user "$(id -u):$(id -g)" --volume "$PWD:/photos" \
#     rechroma restore old.jpg --out new.png

FROM python:3.12-slim AS build
WORKDIR /source
COPY LICENSE LICENSE-weights README.md pyproject.toml requirements.txt ./
COPY src src
RUN python -m venv /opt/rechroma \
    && /opt/rechroma/bin/pip install --no-cache-dir --constraint requirements.txt '.[web]'

FROM python:3.12-slim
# Any user may be chosen with --user: HOME is where every one may write.
ENV HOME=/tmp \
    ORT_DISABLE_TELEMETRY=1 \
    PATH=/opt/rechroma/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1
RUN useradd --no-create-home --uid 1000 rechroma \
    && install --directory --owner rechroma /photos
COPY --from=build /opt/rechroma /opt/rechroma
USER rechroma
WORKDIR /photos
EXPOSE 7860
ENTRYPOINT ["rechroma"]
CMD ["web", "--host", "0.0.0.0", "--port", "7860"]
