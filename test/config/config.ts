import test from 'ava';
import { ConfigError, readConfig } from '../../src/config/config.ts';

for (const [url, shown] of [
  ['redis://:hunter2@a,b', 'redis://…@a,b'],
  ['rediss://user:hunter2@host:port', 'rediss://…@host:port'],
  ['redis://:hun@ter2/hunter2@host/x', 'redis://…@host/x'],
  ['redis://:hunter2\n@host/x', 'redis://…@host/x'],
  ['REDIS://user:hunter2@host', 'REDIS://…@host'],
  ['user:hunter2@host', '…@host'],
  ['redis://host/0?password=hunter2', 'redis://host/0?…'],
  ['http://host:1', 'http://host:1'],
] as const) {
  test(`the error of an invalid REDIS_URL does not have its password: ${JSON.stringify(url)}`, (t) => {
    const error = t.throws(() => readConfig({ env: { REDIS_URL: url } }), { instanceOf: ConfigError });

    t.true(error.message.endsWith(`, got ${JSON.stringify(shown)}`), error.message);
    t.false(error.message.includes('hunter2'));
  });
}
