# nexthop and nothing else: put the site into /site, or mount it there.
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts
COPY src ./src
RUN npm run prepare

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY package.json package-lock.json ./
# Without install scripts: "prepare" needs tsc, and esbuild finds its binary in its platform package without one.
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --ignore-scripts
COPY --from=build /app/dist ./dist
# With --read-only these are the folders to mount: logs, and data (DATA_DIR=/var/lib/nexthop).
RUN install -d -o 1000 -g 1000 /var/log/nodejs /var/lib/nexthop /site
# The image's user "node", by number, so that Kubernetes can tell that it is not root.
USER 1000:1000
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["node", "dist/cli/cli.js", "health"]
# Node is process 1, without npm and a shell: it gets SIGTERM itself, and npm's 65 MB of memory are saved.
CMD ["node", "--disable-sigusr1", "--max-semi-space-size=8", "dist/cli/cli.js", "start", "/site"]
