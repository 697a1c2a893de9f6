import test, { type ExecutionContext } from 'ava';
import { type EdgeOneJsonReading, readEdgeOneJson } from '../../../../src/dialects/edgeone/config/edgeone-json.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

async function read(t: ExecutionContext, text: string): Promise<EdgeOneJsonReading> {
  return readEdgeOneJson(await siteFolder(t, { 'edgeone.json': text }));
}

/** `line:column severity message` of each problem. */
function toLines({ problems }: EdgeOneJsonReading): readonly string[] {
  return problems.map(({ line, column, severity, message }) => `${line}:${column} ${severity} ${message}`);
}

test('a site without edgeone.json has no rules and no problems', async (t) => {
  const { json, problems } = await readEdgeOneJson(await siteFolder(t));

  t.deepEqual(problems, []);
  t.deepEqual(json.redirects, []);
  t.is(json.trailingSlash, undefined);
});

test("the rules of the platform's page are accepted", async (t) => {
  const { json, problems } = await read(
    t,
    `{
      "redirects": [{ "source": "/articles/:id", "destination": "/news-articles/:id", "statusCode": 301 },
                    { "source": "$host", "destination": "$wwwhost", "statusCode": 301 }],
      "rewrites": [{ "source": "/assets/*.png", "destination": "/assets-new/:splat.png" }],
      "headers": [{ "source": "/*", "headers": [{ "key": "X-Frame-Options", "value": "DENY" }] }],
      "trailingSlash": false
    }`,
  );

  t.deepEqual(problems, []);
  t.is(json.redirects.length, 2);
  t.deepEqual(json.rewrites, [{ source: '/assets/*.png', destination: '/assets-new/:splat.png' }]);
  t.deepEqual(json.headers, [{ source: '/*', headers: [{ key: 'X-Frame-Options', value: 'DENY' }] }]);
  t.false(json.trailingSlash);
});

test('the duration and the folder of files are read, and the newer name of the duration takes precedence', async (t) => {
  const { json, problems } = await read(
    t,
    '{"cloudFunctions":{"nodejs":{"maxDuration":60,"includeFiles":["a"]}},"nodeFunctionsConfig":{"maxDuration":20},"outputDirectory":"./build/"}',
  );

  t.deepEqual(problems, []);
  t.is(json.maxDurationMs, 60_000);
  t.is(json.outputDirectory, 'build');
});

test("keys of the platform's build are not reported", async (t) => {
  const reading = await read(
    t,
    '\uFEFF{"$schema":"x","buildCommand":"a","installCommand":"b","devCommand":"c","nodeVersion":"22.11.0","node-functions":{"included_files":[]}}',
  );

  t.deepEqual(toLines(reading), []);
});

const BROKEN: Readonly<Record<string, string>> = {
  '{\n  "redirects": [}\n': '2:17 error is not valid JSON: expected a value, got }; the file is not used',
  '{\n  "a": x\n}': '2:8 error is not valid JSON: expected a value, got x; the file is not used',
  '{"a": 1\n "b": 2}': '2:2 error is not valid JSON: expected ",", got "b"; the file is not used',
  '{"a": "1': '1:7 error is not valid JSON: expected a value, got "1; the file is not used',
  '{"a": 1,}': '1:9 error is not valid JSON: expected a key in double quotes, got }; the file is not used',
  "{'a': 1}": "1:2 error is not valid JSON: expected a key in double quotes, got 'a'; the file is not used",
  '{} {}': '1:4 error is not valid JSON: expected the end of the file, got {; the file is not used',
  '': '1:1 error is not valid JSON: expected a value, got the end of the file; the file is not used',
  '[]': '1:1 error must contain one object',
};

test('a file that is nested deeper than the stack allows is reported', async (t) => {
  t.deepEqual(toLines(await read(t, '['.repeat(100_000))), [
    '1:1 error is not valid JSON: nested too deeply; the file is not used',
  ]);
});

test('a key __proto__ sets no prototype', async (t) => {
  const reading = await read(t, '{"__proto__": {"trailingSlash": true}}');

  t.is(reading.json.trailingSlash, undefined);
  t.is(reading.problems.length, 1);
});

for (const [text, mistake] of Object.entries(BROKEN)) {
  test(`an invalid file is reported with line and column: ${JSON.stringify(text)}`, async (t) => {
    const reading = await read(t, text);

    t.deepEqual(toLines(reading), [mistake]);
    t.deepEqual(reading.json.redirects, []);
  });
}

const VALID = '{ "source": "/good", "destination": "/better", "statusCode": 301 }';

const WRONG: Readonly<Record<string, string>> = {
  '{ "source": 5, "destination": "/b", "statusCode": 301 }':
    'redirects[1].source must be a path such as "/old/:id", got 5; the rule is not used',
  '{ "source": "a", "destination": "/b", "statusCode": 301 }':
    'redirects[1].source must start with "/", got "a"; the rule is not used',
  '{ "source": "/*/*", "destination": "/b", "statusCode": 301 }':
    'redirects[1].source may have one "*", got "/*/*"; the rule is not used',
  '{ "source": "/a(b)", "destination": "/b", "statusCode": 301 }':
    'redirects[1].source must be a path with ":name" and "*", not a regular expression: "(" is not allowed; the rule is not used',
  '{ "source": "/a", "destination": "/b/:id", "statusCode": 301 }':
    'redirects[1].destination uses :id, which the source does not define; the rule is not used',
  '{ "source": "/:a", "destination": "https://:a.example/", "statusCode": 301 }':
    'redirects[1].destination must have a fixed host, without ":name"; the rule is not used',
  '{ "source": "/a", "destination": "//evil", "statusCode": 301 }':
    'redirects[1].destination must be a path or start with https://, got "//evil"; the rule is not used',
  '{ "source": "$host", "destination": "/b", "statusCode": 301 }':
    'redirects[1].destination must be "$wwwhost" with the source "$host", or "$host" with the source "$wwwhost"; the rule is not used',
  '{ "source": "/a", "destination": "/b", "statusCode": 200 }':
    'redirects[1].statusCode must be one of 301, 302, 303, 304, 307, 308, got 200; the rule is not used',
  '7': 'redirects[1] must be an object, got 7',
};

for (const [rule, mistake] of Object.entries(WRONG)) {
  test(`only the invalid rule is left out, and it is reported: ${rule}`, async (t) => {
    const reading = await read(t, `{\n  "redirects": [${VALID},\n ${rule}]\n}`);

    t.deepEqual(
      reading.problems.map(({ message }) => message),
      [mistake],
    );
    t.is(reading.problems[0]?.line, 3);
    t.deepEqual(
      reading.json.redirects.map(({ source }) => source),
      ['/good'],
    );
  });
}

test('a rewrite to another origin, and one from every path to one page, are refused', async (t) => {
  const reading = await read(
    t,
    '{"rewrites":[{"source":"/a","destination":"https://other.example/"},{"source":"/*","destination":"/index.html"},{"source":"/*","destination":"/v2/:splat"}]}',
  );

  t.deepEqual(reading.json.rewrites, [{ source: '/*', destination: '/v2/:splat' }]);
  t.regex(toLines(reading)[0] ?? '', /rewrites\[0\]\.destination must be a path: .*next hop/);
  t.regex(toLines(reading)[1] ?? '', /rewrites\[1\]\.destination must contain :splat/);
});

test('only the invalid headers of a rule are left out', async (t) => {
  const headers = [
    '{"key":"Content-Length","value":"3"}',
    '{"key":"a b","value":"c"}',
    '{"key":"X-A","value":"ok"}',
    '{"key":"X-B"}',
  ];
  const reading = await read(t, `{"headers":[{"source":"/*","headers":[${headers.join(',')}]}]}`);

  t.deepEqual(reading.json.headers, [{ source: '/*', headers: [{ key: 'X-A', value: 'ok' }] }]);
  t.is(reading.problems.length, 3);
  t.regex(toLines(reading)[0] ?? '', /headers\[0\]\.headers\[0\] must not set Content-Length/);
});

test('rules of caches have a source and whole seconds', async (t) => {
  const rules = [
    '{"source":"/a/*","cacheTtl":600}',
    '{"source":"/b","cacheTtl":-1}',
    '{"source":"c","cacheTtl":1.5,"ttl":1}',
  ];
  const reading = await read(t, `{"caches":[${rules.join(',')}]}`);

  t.deepEqual(reading.json.caches, [{ source: '/a/*', seconds: 600 }]);
  t.deepEqual(
    toLines(reading).map((text) => text.split(' ', 3).slice(1).join(' ')),
    ['error caches[1].cacheTtl', 'warning caches[2].ttl', 'error caches[2].source', 'error caches[2].cacheTtl'],
  );
});

test('unknown keys are warnings', async (t) => {
  const reading = await read(t, '{\n"redirect": []}');

  t.deepEqual(
    toLines(reading).map((text) => text.split(' ', 3).join(' ')),
    ['2:13 warning redirect'],
  );
});

test('rules after the hundredth are not used', async (t) => {
  const reading = await read(t, `{"redirects":[${Array.from({ length: 102 }, () => VALID).join(',')}]}`);

  t.is(reading.json.redirects.length, 100);
  t.regex(toLines(reading)[0] ?? '', /error redirects\[100\] and all later rules are not used/);
});

for (const value of ['"30"', '0', '-1', 'null', '1e9']) {
  test(`a maxDuration of ${value} is refused`, async (t) => {
    const reading = await read(t, `{"cloudFunctions":{"nodejs":{"maxDuration":${value}}}}`);

    t.is(reading.json.maxDurationMs, undefined);
    t.regex(toLines(reading)[0] ?? '', /cloudFunctions\.nodejs\.maxDuration must be a number of seconds/);
  });
}

test('keys of the build and of other languages are accepted, and a flat maxDuration counts for Node', async (t) => {
  const reading = await read(
    t,
    `{ "name": "site", "framework": "vite", "build": { "command": "x" },
      "cloudFunctions": { "maxDuration": 60, "python": { "maxDuration": 30 }, "go": {}, "mainlandRegions": ["ap-beijing"] } }`,
  );

  t.is(reading.json.maxDurationMs, 60_000);
  t.deepEqual(toLines(reading), [
    '2:42 warning cloudFunctions.maxDuration counts as cloudFunctions.nodejs.maxDuration',
  ]);
});
