import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  climbs,
  crossings,
  cycles,
  importsOf,
  type Rule,
  readFloors,
  readImports,
  roomOf,
  testSupport,
} from './import-graph.ts';

const root = join(import.meta.dirname, '..', '..');
const imports = readImports(root, ['emulator', 'extension', 'webview']);
const floors = readFloors(readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8'));

/**
 * Rules that the ranked list can't express. Our own files are written with their folder; packages and `node:` modules
 * aren't.
 */
const rules: readonly Rule[] = [
  {
    title: 'the emulator knows nothing of the editor',
    from: /^emulator\//,
    forbids: (to) => to === 'vscode' || /^(extension|webview)\//.test(to),
  },
  {
    title: 'the extension reaches the platform through its protocols and the data folder only',
    from: /^(extension|webview)\//,
    forbids: (to) => to.startsWith('emulator/') && !/^emulator\/(wire|local)\//.test(to),
  },
  {
    title: 'in the extension only target/ speaks them',
    from: /^(extension\/(?!target\/)|webview\/)/,
    forbids: (to) => to.startsWith('emulator/'),
  },
  {
    title: 'the scheduler is pure: it imports itself and hashes',
    from: /^emulator\/scheduler\//,
    forbids: (to) => !to.startsWith('emulator/scheduler/') && to !== 'node:crypto',
  },
  {
    title: 'edges see the scheduler by its types alone',
    from: /^emulator\/edge\//,
    forbids: (to) => to.startsWith('emulator/scheduler/') && to !== 'emulator/scheduler/types.ts',
  },
  {
    title: 'runners are spoken to by the exchange, and by the engine that starts them',
    from: /^emulator\/(?!exchange\/|engines\/)/,
    forbids: (to) => /^emulator\/(engines\/pass|exchange\/(upstream|connections|departures|cancel))\.ts$/.test(to),
  },
  {
    title: 'nothing but tests needs the helpers of tests',
    from: /^/,
    forbids: (to) => testSupport.test(to) || to === 'vitest' || to === 'fast-check',
  },
];

describe('the import graph', () => {
  it.each(rules)('$title', (rule) => {
    expect(crossings(imports, rule)).toEqual([]);
  });

  it('only goes down the ranked list of ARCHITECTURE.md', () => {
    expect(climbs(imports, floors)).toEqual([]);
  });

  it('has no circles, types included', () => {
    expect(cycles(imports)).toEqual([]);
  });

  it('lets a page in a browser use what it imports: it needs no Node and no editor', () => {
    const reached = new Set(['webview/browser/main.ts']);
    for (const file of reached)
      for (const { from, to, isType } of imports) if (from === file && !isType) reached.add(to);
    const packages = [...reached].filter((file) => /^[a-z@]/.test(file) && !file.endsWith('.ts')).toSorted();
    // The component toolkit, by `webview/ui.ts`.
    expect(packages).toEqual([expect.stringContaining('toolkit'), 'zod', 'zod/mini']);
    expect(reached).toContain('emulator/wire/live.ts');
  });

  it('covers both lists and the files that they rank', () => {
    for (const [top, rooms] of floors) {
      const read = new Set(imports.filter(({ from }) => from.startsWith(`${top}/`)).map(({ from }) => roomOf(from)));
      // The runner is Python, and the other files have no imports.
      expect(rooms.filter((room) => !read.has(room) && !['runner', 'problem', 'words'].includes(room))).toEqual([]);
    }
    expect([...floors.keys()]).toEqual(['extension', 'emulator']);
  });
});

describe('the import parser', () => {
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

  it('finds a planted violation of each rule', () => {
    const planted = [
      ['emulator/fleet/x.ts', 'vscode'],
      ['extension/target/x.ts', 'emulator/queue/types.ts'],
      ['extension/views/x.ts', 'emulator/wire/status.ts'],
      ['emulator/scheduler/x.ts', 'node:timers'],
      ['emulator/edge/grpc/x.ts', 'emulator/scheduler/step.ts'],
      ['emulator/edge/gateway/x.ts', 'emulator/engines/pass.ts'],
      ['emulator/queue/x.ts', 'emulator/queue/testing/requests.ts'],
    ] as const;
    for (const [index, [from, to]] of planted.entries()) {
      const rule = rules[index];
      expect(rule && crossings([{ from, to, isType: true }], rule)).toEqual([`${from} imports ${to}`]);
    }
    expect(planted).toHaveLength(rules.length);
  });

  it('finds an upward import between any two rooms, and allows downward ones', () => {
    for (const [top, rooms] of floors) {
      for (const [index, upper] of rooms.entries()) {
        for (const lower of rooms.slice(index + 1)) {
          const [above, below] = [`${top}/${upper}/x.ts`, `${top}/${lower}.ts`];
          expect(climbs([{ from: below, to: above, isType: true }], floors)).toEqual([`${below} imports ${above}`]);
          expect(climbs([{ from: above, to: below, isType: true }], floors)).toEqual([]);
        }
      }
    }
  });

  it('reports a room that is not in the list', () => {
    const [from, to] = ['emulator/attic/x.ts', 'emulator/wire/errors.ts'];
    expect(climbs([{ from, to, isType: false }], floors)).toEqual([`${from} imports ${to}`]);
  });

  it('finds circular imports, including those of types', () => {
    const edge = (from: string, to: string, isType = false) => ({ from, to, isType });
    expect(cycles([edge('a', 'b'), edge('b', 'c'), edge('c', 'a')])).toEqual(['a > b > c > a']);
    expect(cycles([edge('a', 'b'), edge('b', 'a', true)])).toEqual(['a > b > a']);
  });
});
