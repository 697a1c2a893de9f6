import { join } from 'node:path';
import type { Project } from '../../../contract/project.ts';
import type { Route } from '../../../contract/route.ts';
import { NO_FILES } from '../../../contract/site-files.ts';
import { ImageCache } from './image-cache.ts';
import { ImageConverter } from './image-converter.ts';
import { ImageSources } from './image-sources.ts';
import { ImageTarget } from './image-target.ts';
import { RemoteImages } from './remote-images.ts';

/** The route of `/.netlify/images`. `patterns`: match URLs of images on other hosts that are allowed. Nothing is opened and no package is loaded before its first request. */
export function toImageRoute(project: Project, patterns: readonly RegExp[]): Route {
  const { root, dataDir, log, files = NO_FILES, siteRequests, origins, imageCacheBytes = 0 } = project;
  const target = new ImageTarget({
    sources: new ImageSources({ files, siteRequests, origins, remote: new RemoteImages(patterns) }),
    converter: new ImageConverter(root),
    cache: new ImageCache({ folder: join(dataDir, 'images'), limitBytes: imageCacheBytes, log }),
    log,
  });
  const segments = ['.netlify', 'images'].map((text) => ({ kind: 'literal', text }) as const);
  const pattern = { text: '/.netlify/images', segments };
  return { pattern, methods: 'any', target, step: 2, dialect: 'netlify', file: target.name, about: 'image CDN' };
}
