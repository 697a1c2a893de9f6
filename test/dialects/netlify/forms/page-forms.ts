import test from 'ava';
import { type PageForm, readPageForms } from '../../../../src/dialects/netlify/forms/page-forms.ts';
import { readForms } from '../../../../src/dialects/netlify/forms/read-forms.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

const read = (html: string, path = '/about'): readonly PageForm[] =>
  readPageForms(html, { path, file: 'about.html', realPath: '' });

test('forms are those with the attribute netlify or data-netlify', (t) => {
  const names = read(`
    <form name="a" netlify></form><FORM NAME="b" DATA-NETLIFY="true"></FORM><form name=c netlify=true></form>
    <form name="d" data-netlify="false"></form><form name="e"></form>
    <!-- <form name="f" netlify></form> --><script>const g = '<form name="g" netlify></form>';</script>
    <form name="h" data-netlify><form name="i" netlify></form></form><textarea><form name="j" netlify></textarea>`);

  t.deepEqual(
    names.map(({ name }) => name),
    ['a', 'b', 'c', 'h'],
  );
});

test('fields have their type and label, wherever they stand', (t) => {
  const [form] = read(`
    <form id="f" name="contact" netlify netlify-honeypot="trap" data-netlify-recaptcha="true">
      <input type="hidden" name="form-name" value="contact">
      <label>Full&nbsp;name<br> <input name="name"></label>
      <label for="m">Mail: <b>address</b></label> <input id="m" type="EMAIL" name="email">
      <label>Topic <select name="topic"><option>One</select></label>
      <textarea name="text">default</textarea><input name="file" type="file">
      <input type="submit" name="go"><button name="b"></button><input>
    </form>
    <input form="f" name="outside"><input name="elsewhere"><input form="g" name="other">`);

  t.is(form?.honeypot, 'trap');
  t.true(form?.hasChallenge);
  t.deepEqual(
    form?.fields.map(({ name, type, label }) => [name, type, label]),
    [
      ['name', 'text', 'Full name'],
      ['email', 'email', 'Mail: address'],
      ['topic', 'select', 'Topic'],
      ['text', 'textarea', ''],
      ['file', 'file', ''],
      ['outside', 'text', ''],
    ],
  );
});

test('the name of a form may be that of its hidden field only', (t) => {
  const [form] = read('<form data-netlify="true"><input type="hidden" name="form-name" value="news"></form>');

  t.is(form?.name, 'news');
});

for (const [action, path, submitPath, thanks] of [
  [undefined, '/about', '/about', undefined],
  ['', '/about', '/about', undefined],
  ['/thanks', '/about', '/thanks', '/thanks'],
  ['/thanks?a=1#top', '/about', '/thanks', '/thanks?a=1#top'],
  ['thanks', '/docs/', '/docs/thanks', '/docs/thanks'],
  ['../thanks/', '/docs/form', '/thanks/', '/thanks/'],
  ['?sent', '/über', '/%C3%BCber', '/%C3%BCber?sent'],
  ['https://other.example/x', '/about', undefined, undefined],
  ['//other.example/x', '/about', undefined, undefined],
  ['mailto:a@b.example', '/about', undefined, undefined],
  ['/./\\evil.test', '/about', '//evil.test', '/evil.test'],
  ['/x/..//evil.test', '/about', '//evil.test', '/evil.test'],
  ['/.///\\evil.test?a#b', '/about', '////evil.test', '/evil.test?a#b'],
] as const) {
  test(`the action ${JSON.stringify(action)} of a form on ${path} leads to ${thanks}`, (t) => {
    const attribute = action === undefined ? '' : ` action="${action}"`;

    t.like(read(`<form name="a" netlify${attribute}></form>`, path)[0]?.place, { submitPath, thanks });
  });
}

test('forms of one name are one form with the fields of all, and forms without a name are reported', async (t) => {
  const root = await siteFolder(t, {
    'a.html': '<form name="x" netlify><input name="one"></form><form netlify></form>',
    'b.html': '<form name="x" netlify data-netlify-honeypot="trap" action="/b"><input name="two"></form>',
    'c.html': 'about netlify, and a <form name="x">',
  });
  const pages = ['a.html', 'b.html', 'c.html', 'gone.html'].map((file) => ({
    path: `/${file}`,
    file,
    realPath: `${root}/${file}`,
  }));

  const { forms, problems } = await readForms(pages);

  t.deepEqual(
    forms.map(({ name, fields, honeypots, places }) => [name, [...fields.keys()], [...honeypots], places.length]),
    [['x', ['one', 'two'], ['trap'], 2]],
  );
  t.deepEqual(
    problems.map(({ file, message }) => `${file} ${message}`),
    ['a.html has a form with the attribute netlify and without a name: it is not used'],
  );
});
