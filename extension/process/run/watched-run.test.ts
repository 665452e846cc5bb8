import { expect, it } from 'vitest';
import { ignoreOrder, restartOrder, watchedRun } from './watched-run.ts';

it('a run that reloads is `minifal run` with the same app, Python and environment', () => {
  const tools = { node: { command: '/node', env: { A: '1' } }, bundle: '/b.mjs', python: '/py', dataFolder: '/data' };
  const place = { ref: './-x.py::App', cwd: '/work', env: { FAL_KEY: 'k' } };
  const options = ['--watch', '--orders', '--data', '/data', '--python', '/py'];
  expect(watchedRun(place, tools, { swaps: true, audits: false, scaling: 'pinned', ignored: [] })).toEqual({
    ...{ command: '/node', cwd: '/work', env: { FAL_KEY: 'k', A: '1' }, takesOrders: true },
    args: ['/b.mjs', 'run', ...options, '--', './-x.py::App'],
  });
  const { args } = watchedRun(place, tools, { swaps: true, audits: true, scaling: 'faithful', ignored: [] });
  expect(args.join(' ')).toContain('--audit --scaling faithful --');
  const swapping = { swaps: true, audits: false, scaling: 'pinned', ignored: [] } as const;
  expect(watchedRun(place, tools, swapping, true).args).toEqual([
    '/b.mjs',
    'run',
    ...options,
    '--debug',
    '--',
    place.ref,
  ]);
  expect(
    watchedRun(place, tools, { swaps: false, audits: true, scaling: 'pinned', ignored: ['*.md', 'a/'] }).args,
  ).toEqual([
    ...['/b.mjs', 'run', ...options, '--no-swap', '--ignore', '*.md', '--ignore', 'a/', '--', './-x.py::App'],
  ]);
  expect([restartOrder, ignoreOrder('"a"')].map((order) => JSON.parse(order))).toEqual([
    { op: 'restart' },
    { op: 'ignore', glob: '"a"' },
  ]);
});
