import test from 'ava';
import { readNetlifyToml } from '../../../../src/dialects/netlify/config/netlify-toml.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

for (const [title, text, expected] of [
  [
    'redirects with one bracket',
    '[redirects]\nfrom = "/a"\n[redirects]\nfrom = "/b"',
    '1 [redirects] must be written as [[redirects]], as there are several (line 3)',
  ],
  [
    'one redirect with one bracket',
    '[[redirects]]\nfrom = "/a"\n[redirects]\nfrom = "/b"',
    '3 [redirects] must be written as [[redirects]], as there are several (line 1)',
  ],
  [
    'header rules with one bracket',
    '[headers]\nfor = "/a"\n[headers.values]\nA = "1"\n[headers]\nfor = "/b"\n[headers.values]\nA = "1"',
    '1 [headers] must be written as [[headers]], as there are several (line 5)',
  ],
  [
    'edge functions of a context with one bracket',
    '[context.dev.edge_functions]\npath = "/a"\n[[context.dev.edge_functions]]\npath = "/b"',
    '1 [context.dev.edge_functions] must be written as [[context.dev.edge_functions]], as there are several (line 3)',
  ],
  [
    'values that stand twice',
    '[[headers]]\nfor = "/a"\n[headers.values]\nA = "1"\n[headers.values]\nB = "1"',
    '5 [headers.values] stands twice for one [[headers]], first in line 3; begin each rule with [[headers]]',
  ],
  [
    'settings that stand twice',
    '[build]\nbase = "a"\n[dev]\n[build]\npublish = "b"',
    '4 [build] stands twice, first in line 1; write its keys below one',
  ],
  [
    'values of a second rule that conflict with its keys',
    '[[headers]]\nfor = "/a"\n[headers.values]\n[[headers]]\nvalues = {}\n[headers.values]',
    '6 trying to redefine an already defined table or value',
  ],
] as const) {
  test(`${title} are explained`, async (t) => {
    const { problems } = await readNetlifyToml(await siteFolder(t, { 'netlify.toml': text }), false);

    t.deepEqual(
      problems.map(({ line, message }) => `${line} ${message}`),
      [`${expected.replace(' ', ' is not valid TOML: ')}; it may protect paths, so every request is answered 500`],
    );
  });
}
