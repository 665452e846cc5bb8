import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../support/root.ts';
import { anchorsOf, citationsIn, citingFiles, unresolved } from './citations.ts';

/** All files except this one and its helper, whose examples are broken on purpose. */
const files = citingFiles(root).filter((name) => !name.startsWith('test/unit/citations.'));

describe('citations', () => {
  it('in code and pages refer to files, folders and headings that exist', () => {
    const citations = files.flatMap((name) => citationsIn(name, readFileSync(join(root, name), 'utf8')));
    expect(citations.length).toBeGreaterThan(500);
    expect(unresolved(root, files, citations)).toEqual([]);
  });

  it.each([
    ['a page that is gone', 'emulator/x.ts', '/** docs/platform/gone.md#states */', 'docs/platform/gone.md#states'],
    ['a heading that is gone', 'emulator/x.ts', '// docs/platform/runners.md#gone', 'docs/platform/runners.md#gone'],
    ['a second heading', 'emulator/x.ts', '// docs/quality.md#host, #gone', 'docs/quality.md#gone'],
    [
      'a heading in the next line',
      'emulator/x.ts',
      '/**\n * docs/quality.md#host,\n * #gone\n */',
      'docs/quality.md#gone',
    ],
    ['a page by its old name', 'emulator/x.ts', '// See control-plane-grpc.md §4.', 'control-plane-grpc.md'],
    ['a page outside of the repository', 'emulator/x.ts', '// ../shared/a.md', '../shared/a.md'],
    ['a file that moved', 'emulator/queue/x.ts', '// As in edge/gone.ts.', 'edge/gone.ts'],
    ['a file by its name', 'ARCHITECTURE.md', 'see `gone.py`', 'gone.py'],
    ['a file in a docstring', 'emulator/runner/x.py', '"""\nSee runner/gone.py.\n"""', 'runner/gone.py'],
    ['a file in a comment of Python', 'emulator/runner/x.py', 'x = 1  # gone.py has it', 'gone.py'],
    ['a folder', 'README.md', 'in emulator/gone/', 'emulator/gone/'],
    ['a link', 'docs/quality.md', '[a](../GONE.md)', '../GONE.md'],
    ['a link to a heading of the same page', 'docs/quality.md', '[a](#gone)', '#gone'],
  ])('that name %s are found', (_what, from, text, target) => {
    expect(unresolved(root, files, citationsIn(from, text))).toContain(`${from} cites ${target}`);
  });

  it.each([
    ['from the root', 'extension/x.ts', '// emulator/main.ts'],
    ['from emulator/', 'test/e2e/x.ts', '// edge/guard.ts'],
    ['from the own folder', 'emulator/edge/x.ts', '// guard.ts'],
    ['in code', 'emulator/x.ts', "const name = 'gone.ts';"],
    ['in an address', 'docs/quality.md', '<https://example.com/gone.md#x>'],
    ['in someone else’s package', 'emulator/x.ts', '// fal/wma/_billing.py'],
  ])('%s resolve or are ignored', (_what, from, text) => {
    expect(unresolved(root, files, citationsIn(from, text))).toEqual([]);
  });

  it('to headings use the same anchors as GitHub', () => {
    expect(anchorsOf('# What is "to" run?\n## A\n```\n# no\n```\n### A\n## `/data`')).toEqual([
      'what-is-to-run',
      'a',
      'a-1',
      'data',
    ]);
  });
});
