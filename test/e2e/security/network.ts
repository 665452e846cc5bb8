import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { attempts, type HostilePages, openHostilePages } from '../../support/hostile-pages.ts';
import { call } from '../../support/http.ts';
import { isBrowserMissing } from '../../support/needs.ts';
import { listeningSockets } from '../../support/procfs.ts';
import { account, calls, emulator, family, listening } from './bed.ts';

const noBrowser = isBrowserMissing();

describe('listening sockets', () => {
  it('are on loopback, including those of the runners', () => {
    const sockets = listeningSockets(family());
    const ports = new Set(sockets.map(({ port }) => port));
    for (const port of Object.values(emulator.ports)) expect(ports).toContain(port);
    expect(sockets.some(({ pid }) => pid !== emulator.pid)).toBe(true);
    expect(sockets.filter(({ address }) => !address.startsWith('127.') && address !== '::1')).toEqual([]);
  });
});

describe.skipIf(noBrowser)('a page in a real browser', () => {
  let pages: HostilePages;
  beforeAll(async () => {
    pages = await openHostilePages();
  });
  afterAll(async () => pages?.close());

  it('of any other origin gets nothing from any port, and has no effect on any app', async () => {
    const before = await calls();
    // The server that knows no secret has a separate test.
    const bare = (await call(emulator, 'run', `/${account}/bare/`)).text();
    const [bareAddress] = z.tuple([z.string(), z.number()]).parse(JSON.parse(await bare));
    const open = listening().filter(({ address }) => address !== bareAddress);
    const targets = open.flatMap(({ address, port }) =>
      [address, 'localhost'].flatMap((name) =>
        attempts.map(([kind, path]) => [kind, `http://${name}:${port}${path}`] as const),
      ),
    );
    // Four ports of the emulator, the port for label calls, and three ports of runners: two apps, and the metrics of
    // one.
    expect(targets.length * pages.origins.length).toBeGreaterThan(1_500);
    expect(pages.origins).toHaveLength(4);
    const through = await Promise.all(pages.origins.map((origin) => pages.attack(origin, targets)));
    expect(Object.fromEntries(pages.origins.map((origin, at) => [origin, through[at]]))).toEqual(
      Object.fromEntries(pages.origins.map((origin) => [origin, []])),
    );
    expect(await calls()).toEqual(before);
  });

  it('finds no server of an app that knows no secret: its address is one of 15 million', async () => {
    const answer = await call(emulator, 'run', `/${account}/bare/`);
    const [address, port] = z.tuple([z.string(), z.number()]).parse(await answer.json());
    expect(address).toMatch(/^127\.(?!0\.0\.1$)/);
    const [evil = ''] = pages.origins;
    const spelled = ['127.0.0.1', 'localhost', '[::1]', '127.0.0.2', '127.0.1.1', 'bare.localhost'];
    const guesses = spelled.map((name) => ['get', `http://${name}:${port}/`] as const);
    expect(await pages.attack(evil, guesses)).toEqual([]);
    // Nothing else protects it from the page.
    expect(await pages.attack(evil, [['get', `http://${address}:${port}/`]])).toHaveLength(1);
  });

  it('that tries all ports gets no answer from any', async () => {
    const own = new Set(listening().map(({ port }) => port));
    const all = Array.from({ length: 65_535 }, (_, at) => at + 1);
    const ports = process.env.MINIFAL_SLOW ? all : [...own, ...all.filter((port) => port % 499 === 0)];
    const found = await pages.attack(
      pages.origins[0] ?? '',
      ports.map((port) => ['get', `http://127.0.0.1:${port}/`]),
    );
    // Other programs on this machine may answer; the emulator and its runners don't.
    expect(found.filter(([, url]) => own.has(Number(new URL(url).port)))).toEqual([]);
  });
});
