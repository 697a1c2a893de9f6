/** The app of the app scenario alone, as it is without nexthop. */
import app from '../apps/express.js';

const [port] = process.argv.slice(2).map(Number);

app.listen(port, '127.0.0.1');
