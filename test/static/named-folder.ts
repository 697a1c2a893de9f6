import test from 'ava';
import { toLocation } from '../../src/contract/problem.ts';
import { startEdge } from '../helpers/edge.ts';
import { siteFolder } from '../helpers/site-folder.ts';

for (const [title, files, expected] of [
  [
    'outputDirectory that does not exist',
    { 'edgeone.json': '{\n  "outputDirectory": "ouput/"\n}', 'output/a.txt': 'a' },
    'edgeone.json:2:22 outputDirectory names ouput, which does not exist, so no files are served; did you mean output?',
  ],
  [
    'outputDirectory that is a file',
    { 'edgeone.json': '{ "outputDirectory": "page.html" }', 'page.html': '' },
    'edgeone.json:1:22 outputDirectory names page.html, which is no folder, so no files are served',
  ],
  [
    'outputDirectory outside of the site',
    { 'edgeone.json': '{ "outputDirectory": "../files" }' },
    'edgeone.json:1:22 outputDirectory names ../files, which is not served: the folder of files must be inside the site',
  ],
  [
    'publish of netlify.toml that does not exist',
    { 'netlify.toml': '[build]\n  publish = "app/pubilc"', 'app/public/a.txt': 'a' },
    'netlify.toml:2 build.publish names app/pubilc, which does not exist, so no files are served; did you mean public?',
  ],
  [
    'an edgeone.json that is not JSON, without advice about its folder,',
    { 'edgeone.json': '{', 'build/index.html': '' },
    'edgeone.json:1:2 is not valid JSON: expected "}", got the end of the file; the file is not used',
  ],
] as const) {
  test(`${title} is reported with its line`, async (t) => {
    const { edge } = await startEdge(t, { site: await siteFolder(t, files) });

    t.deepEqual(
      edge.site.problems.map((problem) => `${toLocation(problem)} ${problem.message}`),
      [expected],
    );
  });
}
