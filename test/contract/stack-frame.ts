import test from 'ava';
import { toStackFrames } from '../../src/contract/stack-frame.ts';

for (const [line, frame] of [
  ['    at onRequest (/site/a.js:3:9)', { name: 'onRequest', file: '/site/a.js', line: 3, column: 9 }],
  [
    '    at async Object.run [as go] (/site/a b.js:3:9)',
    { name: 'async Object.run [as go]', file: '/site/a b.js', line: 3, column: 9 },
  ],
  ['    at new Order (file:///site/a%20b.js:1:2)', { name: 'new Order', file: '/site/a b.js', line: 1, column: 2 }],
  ['    at /site/a.js:3:9', { name: '', file: '/site/a.js', line: 3, column: 9 }],
  ['    at async file:///site/a.js:3:9', { name: 'async', file: '/site/a.js', line: 3, column: 9 }],
  ['    at /site/(group)/a.js:3:9', { name: '', file: '/site/(group)/a.js', line: 3, column: 9 }],
] as const) {
  test(`the call of${line.slice(6)} is read`, (t) => {
    t.deepEqual(toStackFrames(`Error: x\n${line}`), [frame]);
  });
}

for (const line of [
  '    at node:internal/process/task_queues:95:5',
  '    at Promise.all (index 0)',
  '    at eval (eval at run (/site/a.js:3:9), <anonymous>:1:1)',
]) {
  test(`the call of${line.slice(6)} is in no file`, (t) => {
    t.deepEqual(toStackFrames(`Error: x\n${line}`), []);
  });
}
