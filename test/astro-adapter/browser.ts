import { ownBuildWithPolicy } from '../helpers/astro-builds.ts';
import { startEntry } from '../helpers/astro-entry.ts';
import { astroSite } from '../helpers/astro-site.ts';
import { browserTest, domOf } from '../helpers/browser.ts';

for (const major of [5, 7] as const) {
  const title = `Astro ${major}: in a browser a page's script runs under its policy, and its island is loaded`;

  browserTest(title, async (t) => {
    const { url } = await startEntry(t, await astroSite(t, ownBuildWithPolicy(major)));

    const dom = await domOf(t, `${url}/shop/browser`);

    t.regex(dom, /<body[^>]* data-ran="yes"/);
    t.regex(dom, /<p id="island">island for Grace<\/p>/);
    t.notRegex(dom, /waiting/);
  });
}
