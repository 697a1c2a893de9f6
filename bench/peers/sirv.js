import { createServer } from 'node:http';
import sirv from 'sirv';

const [port, , folder] = process.argv.slice(2);

// As in production: the list of files is made once, at start. With tags, like the other servers.
const files = sirv(folder, { dev: false, etag: true });
createServer((request, response) => files(request, response, () => response.writeHead(404).end())).listen(
  Number(port),
  '127.0.0.1',
);
