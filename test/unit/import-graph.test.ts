import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { crossings, cycles, importsOf, type Rule, readImports, testSupport } from './import-graph.ts';

const imports = readImports(join(import.meta.dirname, '..', '..'), ['emulator', 'extension', 'webview']);

/**
 * ARCHITECTURE.md's rooms. Own files are written with their folder; packages and `node:` modules have no such start.
 */
const rules: readonly Rule[] = [
  {
    says: 'the emulator knows nothing of the editor',
    from: /^emulator\//,
    forbids: (to) => to === 'vscode' || /^(extension|webview)\//.test(to),
  },
  {
    says: 'the extension reaches the platform through its protocols only',
    from: /^(extension|webview)\//,
    // The wire is the protocol: schemas of what is said, and of the files that clients find an emulator by.
    forbids: (to) => to.startsWith('emulator/') && !to.startsWith('emulator/wire/'),
  },
  {
    says: 'in the extension only target/ speaks them',
    from: /^(extension\/(?!target\/)|webview\/)/,
    forbids: (to) => to.startsWith('emulator/'),
  },
  {
    says: 'the scheduler is pure: it imports itself and hashes',
    from: /^emulator\/scheduler\//,
    forbids: (to) => !to.startsWith('emulator/scheduler/') && to !== 'node:crypto',
  },
  {
    says: 'engines know engines and the wire',
    from: /^emulator\/engines\//,
    forbids: (to) => to.startsWith('emulator/') && !/^emulator\/(engines|wire)\//.test(to),
  },
  {
    says: 'queue, catalog, telemetry, storage and store do not know who calls them',
    from: /^emulator\/(queue|catalog|telemetry|storage|store)\//,
    forbids: (to) => /^emulator\/(edge|fleet|cli)\//.test(to),
  },
  {
    says: 'webhooks and workflows do not know the edge, though they are called through it',
    from: /^emulator\/(webhooks|workflows)\//,
    forbids: (to) => /^emulator\/(edge|cli)\//.test(to),
  },
  {
    says: 'edges see the scheduler by its types alone',
    from: /^emulator\/edge\//,
    forbids: (to) => to.startsWith('emulator/scheduler/') && to !== 'emulator/scheduler/types.ts',
  },
  {
    says: 'builds do not know the fleet',
    from: /^emulator\/builds\//,
    forbids: (to) => /^emulator\/(fleet|edge|cli)\//.test(to),
  },
  {
    says: 'the command line is on top: no room imports it',
    from: /^emulator\/(?!cli\/)[^/]+\//,
    forbids: (to) => to.startsWith('emulator/cli/'),
  },
  {
    says: 'nothing but tests needs the helpers of tests',
    from: /^/,
    forbids: (to) => testSupport.test(to) || to === 'vitest' || to === 'fast-check',
  },
];

describe('the import graph', () => {
  it.each(rules)('$says', (rule) => {
    expect(crossings(imports, rule)).toEqual([]);
  });

  it('has no circles at run time', () => {
    expect(cycles(imports)).toEqual([]);
  });

  it('was read: every room is in it', () => {
    const rooms = new Set(imports.map(({ from }) => from.split('/')[1]));
    for (const room of ['builds', 'catalog', 'edge', 'engines', 'fleet', 'queue', 'scheduler', 'telemetry']) {
      expect(rooms).toContain(room);
    }
  });
});

describe('the reader of imports', () => {
  it('finds every form of import', () => {
    const source = `import type { A } from '../wire/errors.ts';
import { b,
  c } from './b.ts';
import * as d from "node:fs";
import 'side-effect';
// import { no } from './comment.ts';
export { e } from './e.ts';
export type { F } from './f.ts';
const g = await import('./g.ts');`;
    expect(importsOf('emulator/queue/a.ts', source)).toEqual(
      expect.arrayContaining([
        { from: 'emulator/queue/a.ts', to: 'emulator/wire/errors.ts', isType: true },
        { from: 'emulator/queue/a.ts', to: 'emulator/queue/b.ts', isType: false },
        { from: 'emulator/queue/a.ts', to: 'node:fs', isType: false },
        { from: 'emulator/queue/a.ts', to: 'side-effect', isType: false },
        { from: 'emulator/queue/a.ts', to: 'emulator/queue/e.ts', isType: false },
        { from: 'emulator/queue/a.ts', to: 'emulator/queue/f.ts', isType: true },
        { from: 'emulator/queue/a.ts', to: 'emulator/queue/g.ts', isType: false },
      ]),
    );
    expect(importsOf('emulator/queue/a.ts', source)).toHaveLength(7);
  });

  it('sees a planted crossing under each rule', () => {
    const planted = [
      ['emulator/fleet/x.ts', 'vscode'],
      ['extension/target/x.ts', 'emulator/queue/types.ts'],
      ['extension/views/x.ts', 'emulator/wire/status.ts'],
      ['emulator/scheduler/x.ts', 'node:timers'],
      ['emulator/engines/process/x.ts', 'emulator/builds/x.ts'],
      ['emulator/queue/x.ts', 'emulator/fleet/x.ts'],
      ['emulator/webhooks/x.ts', 'emulator/edge/guard.ts'],
      ['emulator/edge/grpc/x.ts', 'emulator/scheduler/step.ts'],
      ['emulator/builds/x.ts', 'emulator/fleet/x.ts'],
      ['emulator/wire/x.ts', 'emulator/cli/x.ts'],
      ['emulator/queue/x.ts', 'emulator/queue/testing.ts'],
    ] as const;
    for (const [index, [from, to]] of planted.entries()) {
      const rule = rules[index];
      expect(rule && crossings([{ from, to, isType: true }], rule)).toEqual([`${from} imports ${to}`]);
    }
    expect(planted).toHaveLength(rules.length);
  });

  it('sees a circle, and none where only types go round', () => {
    const edge = (from: string, to: string, isType = false) => ({ from, to, isType });
    expect(cycles([edge('a', 'b'), edge('b', 'c'), edge('c', 'a')])).toEqual(['a > b > c > a']);
    expect(cycles([edge('a', 'b'), edge('b', 'a', true)])).toEqual([]);
  });
});
