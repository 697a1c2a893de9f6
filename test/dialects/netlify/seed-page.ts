import { createServer } from 'node:http';
import test from 'ava';
import type { JobIntake } from '../../../src/contract/job-rule.ts';
import { netlify } from '../../../src/dialects/netlify/netlify.ts';
import { serveDialect } from '../../helpers/dialect-server.ts';
import { listen } from '../../helpers/listen.ts';

/** The examples of the platform's page "Get started with functions", unchanged. */

const HELLO = `
import type { Context } from "@netlify/functions"

export default async (req: Request, context: Context) => {
  return new Response("Hello, world!")
}
`;

for (const file of ['hello.mts', 'hello/hello.mts', 'hello/index.mts']) {
  test(`the first function responds, written as ${file}`, async (t) => {
    const { url, reading } = await serveDialect(t, netlify, { [`netlify/functions/${file}`]: HELLO });

    t.deepEqual(reading.problems, []);
    t.is(await (await fetch(`${url}/.netlify/functions/hello`)).text(), 'Hello, world!');
    t.is(await (await fetch(`${url}/.netlify/functions/hello/a/b?c=1`)).text(), 'Hello, world!');
    t.is((await fetch(`${url}/.netlify/functions/other`)).status, 421);
  });
}

test('a function that returns nothing is an empty 204', async (t) => {
  const { url } = await serveDialect(t, netlify, { 'netlify/functions/quiet.mts': 'export default async () => {}' });

  const response = await fetch(`${url}/.netlify/functions/quiet`);

  t.is(response.status, 204);
  t.is(await response.text(), '');
});

const STREAM = `
export default async () => {
  const encoder = new TextEncoder();
  const formatter = new Intl.DateTimeFormat("en", { timeStyle: "medium" });
  const body = new ReadableStream({
    start(controller) {
      let i = 0;
      const timer = setInterval(() => {
        controller.enqueue(
          encoder.encode(
            \`<li>Hello at \${formatter.format(new Date())}</li>\\n\\n\`
          )
        );
        if (i++ >= 5) {
          controller.close();
          clearInterval(timer);
        }
      }, 5);
    }
  });

  return new Response(body);
};
`;

test('a stream is sent while it is produced', async (t) => {
  const { url } = await serveDialect(t, netlify, { 'netlify/functions/clock.ts': STREAM });

  const text = await (await fetch(`${url}/.netlify/functions/clock`)).text();

  t.is(text.match(/<li>Hello at [^<]*<\/li>\n\n/g)?.length, 6);
});

const PASSED_ON = `
export default async (req) => {
  const pie = new URL(req.url).searchParams.get("pie") ?? "something inspired by a springtime garden";
  const res = await fetch(process.env.SEED_PAGE_UPSTREAM, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: \`Bearer \${process.env.OPENAI_API_KEY}\` },
    body: JSON.stringify({ messages: [{ role: "user", content: pie.slice(0, 500) }], stream: true })
  });

  return new Response(res.body, {
    headers: {
      // This is the mimetype for server-sent events
      "content-type": "text/event-stream"
    }
  });
};
`;

test('the body of a fetch is passed on as a stream of events', async (t) => {
  const upstream = createServer((request, response) => {
    response.write('data: one\n\n');
    request.on('data', (chunk) => response.write(`data: ${chunk}\n\n`)).on('end', () => response.end());
  });
  process.env.SEED_PAGE_UPSTREAM = await listen(t, upstream);
  const { url } = await serveDialect(t, netlify, { 'netlify/functions/pie.js': PASSED_ON });

  const response = await fetch(`${url}/.netlify/functions/pie?pie=plum`);

  t.is(response.headers.get('content-type'), 'text/event-stream');
  t.is(await response.text(), 'data: one\n\ndata: {"messages":[{"role":"user","content":"plum"}],"stream":true}\n\n');
});

const BACKGROUND = `
import { Context } from "@netlify/functions";

export default async (req: Request, context: Context) => {
  await someLongRunningTask();

  console.log("Done");
};
`;

for (const file of ['hello-background.mts', 'hello-background/index.mts']) {
  test(`a background function responds with 202 and its request becomes a job, written as ${file}`, async (t) => {
    const pushed: string[] = [];
    const jobs: JobIntake = {
      async push(rule) {
        pushed.push(rule);
        return 'id';
      },
      pushOnce: async () => false,
    };
    const { url, reading } = await serveDialect(t, netlify, { [`netlify/functions/${file}`]: BACKGROUND }, { jobs });

    const response = await fetch(`${url}/.netlify/functions/hello-background`, { method: 'POST', body: 'work' });

    t.is(response.status, 202);
    t.is(await response.text(), '');
    t.deepEqual(pushed, ['netlify/hello-background']);
    t.deepEqual(
      reading.jobRules?.map(({ name, schedule }) => [name, schedule]),
      [['netlify/hello-background', undefined]],
    );
  });
}

const TRAVEL = `
import { Config, Context } from "@netlify/functions";

export default async (req: Request, context: Context) => {
  const { city, country } = context.params;

  return new Response(\`You're visiting \${city} in \${country}!\`);
};

export const config: Config = {
  path: "/travel-guide/:city/:country"
};
`;

test('a path with names gives the function its params and replaces its default URL', async (t) => {
  const { url } = await serveDialect(t, netlify, { 'netlify/functions/travel.mts': TRAVEL });

  t.is(await (await fetch(`${url}/travel-guide/Rome/Italy`)).text(), "You're visiting Rome in Italy!");
  t.is((await fetch(`${url}/travel-guide/Rome`)).status, 421);
  t.is((await fetch(`${url}/.netlify/functions/travel`)).status, 421);
});

test('one function may have several paths, with wildcards and names', async (t) => {
  const text = (path: string) => `
    import { Config } from "@netlify/functions";
    export default async (req: Request, context) => Response.json(context.params);
    export const config: Config = { path: ${path} };`;
  const { url } = await serveDialect(t, netlify, {
    'netlify/functions/pets.mts': text('["/cats", "/dogs"]'),
    'netlify/functions/sale.mts': text('["/sale/*", "/item/:sku"]'),
  });
  const fetchText = async (path: string) => {
    const response = await fetch(url + path);
    return response.status === 200 ? response.json() : response.status;
  };

  t.deepEqual(await Promise.all(['/cats', '/dogs/', '/sale/a/b', '/item/1%202', '/item', '/birds'].map(fetchText)), [
    {},
    {},
    { 0: 'a/b' },
    { sku: '1%202' },
    421,
    421,
  ]);
});

const ENV = `
import { Context } from "@netlify/functions";

export default async (req: Request, context: Context) => {
  const requestKey = req.headers.get("X-API-Key");
  const apiKey = Netlify.env.get("SEED_PAGE_API_KEY");

  if (requestKey === apiKey) {
    return new Response("Welcome!");
  }

  return new Response("Sorry, no access for you.", { status: 401 });
};
`;

test('a function reads a variable from Netlify.env', async (t) => {
  process.env.SEED_PAGE_API_KEY = 'secret';
  const { url } = await serveDialect(t, netlify, { 'netlify/functions/guard.mts': ENV });
  const fetchText = (key: string) => fetch(`${url}/.netlify/functions/guard`, { headers: { 'x-api-key': key } });

  t.is(await (await fetchText('secret')).text(), 'Welcome!');
  t.is((await fetchText('guess')).status, 401);
});

const LAMBDA = `
import type { Handler } from "@netlify/functions"

export const handler: Handler = async (event, context) => {
  return {
    body: JSON.stringify({ message: "Hello World" }),
    statusCode: 200,
  }
}
`;

test('a Lambda-compatible handler responds', async (t) => {
  const { url } = await serveDialect(t, netlify, { 'netlify/functions/old.ts': LAMBDA });

  t.deepEqual(await (await fetch(`${url}/.netlify/functions/old`)).json(), { message: 'Hello World' });
});
