import { platform } from 'node:os';

export const onRequestGet = ({ request }) =>
  Response.json({ nodeVersion: process.version, pid: process.pid, platform: platform(), url: request.url });
