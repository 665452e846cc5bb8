import { expect, it } from 'vitest';
import type { RunnerSpec } from '../engine.ts';
import { containerOptions } from './container-options.ts';
import type { ContainerImage } from './image.ts';

const runs = { entrypoint: ['/entry'], cmd: ['image', 'says'], user: '' };
const image = { id: 'sha256:1', ports: [], architecture: 'amd64', ...runs };
const inside = { ports: [4712], carried: ['4712=/minifal/run/4712'], mounts: {}, hosts: [] };

function optionsOf(given: Pick<ContainerImage, 'entrypoint' | 'cmd'>, first: string | null = null, command?: string[]) {
  const environment = { kind: 'container', id: 'hash', image: 'image', ...given } as const;
  const spec = { runnerId: 'r', environment, env: {}, dataDir: '/d' } as unknown as RunnerSpec<ContainerImage>;
  const ids = {
    owner: 'o',
    link: 'l',
    network: 'n',
    address: '127.0.0.1',
    ports: { app: 80, metrics: null },
    caBundle: undefined,
  };
  return containerOptions({
    deviceRequests: [],
    spec,
    image,
    first,
    inside: command ? { ...inside, command } : inside,
    ...ids,
  });
}

it.each([
  ['the image alone', null, null, ['/entry', 'image', 'says']],
  ["the app's arguments", null, ['app'], ['/entry', 'app']],
  ['no arguments', null, [], ['/entry']],
  ["the app's program, which the image's arguments don't fit", ['/own'], null, ['/own']],
  ['no program, so that the arguments are the command', [], ['app'], ['app']],
  ["the app's program and arguments", ['/own'], ['app'], ['/own', 'app']],
])('a container runs %s', (_name, entrypoint, cmd, expected) => {
  expect(optionsOf({ entrypoint, cmd })).toMatchObject({ Entrypoint: expected, HostConfig: { Init: true } });
  const first = optionsOf({ entrypoint, cmd }, '/tools/forward');
  expect(first).toMatchObject({
    Entrypoint: ['/minifal/forward', '4712=/minifal/run/4712', '--', ...expected],
    HostConfig: { Init: false },
  });
  expect(first.HostConfig.Mounts).toContainEqual(
    expect.objectContaining({ Source: '/tools/forward', Target: '/minifal/forward', ReadOnly: true }),
  );
});

it('a container runs our program in place of its own command', () => {
  const { Entrypoint } = optionsOf({ entrypoint: ['/own'], cmd: ['app'] }, '/tools/forward', ['python3', 'ours.py']);
  expect(Entrypoint.slice(-3)).toEqual(['--', 'python3', 'ours.py']);
});
