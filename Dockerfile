# Builds in one stage, runs in another: as a user without rights, with production dependencies alone, and no npm.
# The version is that of package.json. Tags can be moved; a digest cannot: --build-arg NODE_IMAGE=node@sha256:…
ARG NODE_IMAGE=node:24.21.0-bookworm-slim
FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY .npmrc package.json package-lock.json tsconfig.json ./
COPY scripts/build.js scripts/build.js
COPY src src
# prepare builds dist/; nothing of it is compiled later
RUN npm ci --omit=dev && rm -r node_modules/rolldown node_modules/@rolldown node_modules/.bin/rolldown

FROM ${NODE_IMAGE}
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4000 DATA_DIR=/data TRANSCRIPTS_DIR=/transcripts
WORKDIR /app
# nothing installs anything here, neither now nor for whoever gets in
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
  && mkdir /data /transcripts && chown node:node /data
# what is copied belongs to root: the process cannot change its own program
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json ./
COPY bin bin
COPY sample sample
COPY schema schema
COPY flags flags
USER node
# what is written: /data, and temporary files in /tmp; all else may be read-only (compose.yaml)
VOLUME /data
EXPOSE 4000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["node", "-e", "const s = process.env.TLS_CERT_FILE ? 'https' : 'http'; require(s).get(`${s}://127.0.0.1:${process.env.PORT}/health/ready`, { rejectUnauthorized: false }, (r) => process.exit(r.statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
STOPSIGNAL SIGTERM
CMD ["node", "bin/token-bridge.js", "serve"]
