import { expect, it } from 'vitest';
import { pageHtml } from './html.ts';

const html = pageHtml({
  ...{
    title: '<"fal">',
    scripts: ['https://x/logs.js', 'https://x/ui.js'],
    style: 'https://x/logs.css',
    cspSource: 'https://x',
  },
  ...{ nonce: 'abc', language: 'en' },
});

it('permits the page its own files only: no connection, no inline code, no evaluation', () => {
  const [, policy = ''] = /Content-Security-Policy" content="([^"]+)"/.exec(html) ?? [];
  expect(policy.replaceAll('&#39;', "'").split('; ')).toEqual([
    "default-src 'none'",
    "script-src 'nonce-abc'",
    'style-src https://x',
    'font-src https://x',
    'img-src https://x blob: data:',
    'media-src blob:',
  ]);
});

it('escapes what it is given', () => {
  expect(html).toContain('<title>&#60;&#34;fal&#34;&#62;</title>');
});
