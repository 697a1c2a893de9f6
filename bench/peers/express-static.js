import express from 'express';

const [port, , folder] = process.argv.slice(2);

const app = express();
app.use(express.static(folder));
app.listen(Number(port), '127.0.0.1');
