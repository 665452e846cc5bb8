import { describe, expect, it } from 'vitest';
import { linkArguments, plainMarkdown, tooltipText } from './markdown.ts';

describe('untrusted text in Markdown', () => {
  it.each([
    ['a plain sentence', 'a plain sentence'],
    ['*no* _weights_', '\\*no\\* \\_weights\\_'],
    ['![x](https://example.com)', '\\!\\[x\\]\\(https\\:\\/\\/example\\.com\\)'],
    ['<img> & $(icon)', '\\<img\\> \\& \\$\\(icon\\)'],
    ['two\n\n   lines\n', 'two  \nlines'],
  ])('%j', (text, expected) => {
    expect(plainMarkdown(text)).toBe(expected);
  });
});

it('a link of Markdown keeps the arguments of its command', () => {
  const file = '/home/me/:) [x](https://example.com)/app.py';
  const link = linkArguments({ file });
  expect(link).not.toMatch(/[()[\]<>\s]/);
  expect(JSON.parse(decodeURIComponent(link))).toEqual([{ file }]);
});

it('a tooltip has a line for each fact, and lines between its parts', () => {
  const facts = [
    { name: '', text: 'local/a', beginsPart: true as const },
    { name: 'URL', text: 'x', url: 'https://x' },
    { name: 'Saved', text: '*a*', beginsPart: true as const },
  ];
  expect(tooltipText(facts, 'more')).toBe(
    'local\\/a  \n**URL:** <https://x>\n\n---\n\n**Saved:** \\*a\\*\n\n---\n\nmore',
  );
  expect(tooltipText([], '')).toBe('');
});
