# The REST service on port 8000, as a user without rights, writing to /data only.
#
#   docker build -t receipt-ocr .
#   docker run -p 127.0.0.1:8000:8000 -v ocr-data:/data receipt-ocr
#
# Without /data/keys.json it serves anyone who reaches the port: publish it on 127.0.0.1, or make keys first
# (docs/serving.md).
FROM python:3.12-slim
WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src ./src
RUN python -m venv /opt/ocr
RUN /opt/ocr/bin/python -m pip install --no-cache-dir -c constraints.txt '.[serve]'
RUN install -d -m 1777 /data
ENV PATH=/opt/ocr/bin:$PATH
WORKDIR /data
USER 10001:10001
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --start-period=10s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=3)"]
CMD ["sh", "-c", "if [ -f keys.json ]; then set -- --keys keys.json; else set -- --no-auth; fi; exec ocr serve --host 0.0.0.0 --port 8000 --work work \"$@\""]
