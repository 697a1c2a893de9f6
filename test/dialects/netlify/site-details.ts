import test from 'ava';
import { startNexthop } from '../../helpers/process.ts';
import { siteFolder } from '../../helpers/site-folder.ts';

const SITE = {
  'netlify.toml': `# a comment with """ in it
[build]
command = """
echo '[functions]'
"""
[functions]
included_files = ["data/*.json"]
[functions.slow]
timeout = 1
[functions."*o*"]
timeout = 100
[functions.files]
tiemout = 1
`,
  '.env': 'TOKEN=of-the-site\n',
  'data/prices.json': '[1]',
  'netlify/functions/files.mjs': `
    import { readFileSync } from 'node:fs';
    const paths = ['data/prices.json', './data/prices.json', new URL('../../data/prices.json', import.meta.url), __dirname + '/../../data/prices.json'];
    export default () => Response.json([...paths.map((path) => readFileSync(path, 'utf8')), process.env.TOKEN, Netlify.env.get('TOKEN')]);`,
  'netlify/functions/slow.mjs': 'export default () => new Promise(() => {});',
};

test('a site finds its included files and variables, and settings of one function apply to it', async (t) => {
  const running = await startNexthop(t, { site: await siteFolder(t, SITE) });
  const get = (name: string) => fetch(`http://127.0.0.1:${running.port}/.netlify/functions/${name}`);

  const files = await get('files');
  const slow = await get('slow');

  t.deepEqual(await files.json(), ['[1]', '[1]', '[1]', '[1]', 'of-the-site', 'of-the-site']);
  t.is(slow.status, 504);
  await running.said(/netlify\.toml:13 functions\.files\.tiemout is no key of netlify\.toml/);
});
