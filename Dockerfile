FROM swift:6.3-bookworm AS build
RUN apt-get update -q && apt-get install -y -q --no-install-recommends pkg-config libbz2-dev libcurl4-openssl-dev liblzma-dev libre2-dev libsqlite3-dev libzstd-dev zlib1g-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Package.swift ./
COPY Sources Sources
COPY Tests Tests
COPY Benchmarks Benchmarks
RUN swift build -c release --product obs --static-swift-stdlib && cp "$(swift build -c release --show-bin-path)/obs" /obs

FROM debian:bookworm-slim
RUN apt-get update -q && apt-get install -y -q --no-install-recommends ca-certificates libbz2-1.0 libcurl4 liblzma5 libre2-9 libsqlite3-0 libzstd1 tzdata zlib1g && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/obs obs && install -d -o obs -g obs /var/lib/obs /var/log/sim && install -d /etc/obs \
    && printf 'data_dir: /var/lib/obs\n# Without TLS, because a container has no certificate of its own; every request needs a token: obs token create (docs/security.md).\nhttp: { listen: "0.0.0.0:9464", insecure: true, access: required }\n' > /etc/obs/obs.yaml
COPY --from=build /obs /usr/local/bin/obs
USER 10001
# Where obs.yaml is found by every command, also by `docker compose exec obs obs query incidents`; mount your own over it.
WORKDIR /etc/obs
ENTRYPOINT ["obs"]
CMD ["run"]
