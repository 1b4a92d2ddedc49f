# The gateway alone: one binary, no shell, not root, nothing to write but its data folder.
#
#   docker build -t portcullis .
#   docker run --read-only -v portcullis-data:/var/lib/portcullis -p 127.0.0.1:8787:8787 portcullis

FROM rust:1.95-slim-trixie AS build
WORKDIR /src
COPY . .
# The caches live in the builder only: a second build compiles what changed. The binary is copied out, as a cache is
# not part of a layer.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --release --package portcullis \
    && install -D target/release/portcullis /out/portcullis \
    && install -d -m 0700 /out/data

# The C library, the certificate authorities, and nothing else.
FROM gcr.io/distroless/cc-debian13:nonroot
LABEL org.opencontainers.image.title="Portcullis" \
      org.opencontainers.image.description="A self-hosted gateway for teams that use Claude through AWS" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /out/portcullis /usr/local/bin/portcullis
# An empty folder of ours: a new volume takes its owner from here.
COPY --from=build --chown=65532:65532 /out/data /var/lib/portcullis
ENV PORTCULLIS_LISTEN=0.0.0.0:8787 \
    PORTCULLIS_DATA_DIR=/var/lib/portcullis \
    # Uploads wait where there is room, and not in a /tmp that is memory or read-only.
    PORTCULLIS_SPOOL_DIR=/var/lib/portcullis
USER 65532:65532
WORKDIR /var/lib/portcullis
VOLUME /var/lib/portcullis
EXPOSE 8787
# Open streams get up to PORTCULLIS_DRAIN_TIMEOUT_S after this; whoever stops the container must wait longer than that.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --start-interval=1s --retries=3 \
    CMD ["/usr/local/bin/portcullis", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/portcullis"]
CMD ["serve"]
