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
RUN install -d -o 1000 -g 1000 /var/log/nodejs /site
# The image's user "node", by number, so that Kubernetes can tell that it is not root.
USER 1000:1000
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["node", "dist/cli/cli.js", "health"]
# npm passes SIGTERM on, and its script replaces its shell by node: the server drains, and the container exits with 0.
CMD ["npm", "start", "--", "/site"]
