# syntax=docker/dockerfile:1
# Tocsin in a small image: one static binary, no root, the time zones inside it.

FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
# timetzdata puts the zones into the binary: a deadline must not depend on what the image carries.
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -tags timetzdata -ldflags='-s -w' -o /out/tocsin ./cmd/tocsin \
    && install -d -m 0700 /out/data /out/keys

FROM alpine:3.22.2
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/tocsin /usr/local/bin/tocsin
# The folders' owner is what a new volume mounted on them gets.
COPY --from=build --chown=65532:65532 --chmod=0700 /out/data /var/lib/tocsin
COPY --from=build --chown=65532:65532 --chmod=0700 /out/keys /etc/tocsin/keys
ENV TOCSIN_DATA_DIR=/var/lib/tocsin \
    TOCSIN_SEAL_KEY_FILE=/etc/tocsin/keys/seal.key \
    TOCSIN_API_LISTEN=0.0.0.0:8025 \
    TOCSIN_LOG_FORMAT=json
USER 65532:65532
WORKDIR /var/lib/tocsin
EXPOSE 8025
# The process is the container's first, so that it gets the signal to stop and lets what it began end.
ENTRYPOINT ["/usr/local/bin/tocsin"]
CMD ["serve"]
