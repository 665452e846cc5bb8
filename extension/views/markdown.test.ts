import { describe, expect, it } from 'vitest';
import { plainMarkdown } from './markdown.ts';

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
