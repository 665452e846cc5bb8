import { describe, expect, it } from 'vitest';
import { revisionDefaults, scaleDefaults } from '../../catalog/scale-settings.ts';
import type { Revision } from '../../catalog/types.ts';
import { testRooms } from '../../edge/testing/rooms.ts';
import { testFolder } from '../../store/testing/folder.ts';
import { createLaunches } from './launches.ts';

function setUp(change: (blob: string) => Partial<Revision> = () => ({})) {
  const made = testRooms(testFolder());
  const { rooms, builds } = made;
  const blob = rooms.blobs.put(Buffer.from('pickled'));
  rooms.catalog.addRevision({
    id: 'rev',
    alias: 'greet--dev',
    environmentName: 'dev',
    createdAt: 1,
    environments: [{ kind: 'virtualenv', configuration: { requirements: ['a'] } }],
    callable: { kind: 'pickle', method: 'cloudpickle', blob },
    machineTypes: ['S', 'M'],
    numGpus: null,
    exposedPort: 8080,
    metricsPort: 9100,
    settings: revisionDefaults,
    scale: scaleDefaults,
    validRegions: [],
    files: [],
    secretNames: ['TOKEN'],
    metadata: null,
    sourceCode: null,
    privateLogs: false,
    ...change(blob),
  });
  return { ...made, blob, launch: createLaunches({ ...rooms, builds }) };
}

describe('the launch of a stored revision', () => {
  it('matches its registration, with its environment cached or rebuilt without force', async () => {
    const { launch, rooms, blob, built } = setUp();
    expect(await launch('rev')).toEqual({
      environment: { kind: 'virtualenv', id: 'env-hash' },
      callable: { kind: 'pickle', method: 'cloudpickle', file: rooms.blobs.path(blob) },
      mode: 'serve',
      declaredPort: 8080,
      metricsPort: 9100,
      appFiles: [],
      secretNames: ['TOKEN'],
      environmentName: 'dev',
      machineType: 'S',
      isBuilt: true,
    });
    expect(built).toEqual([
      { kind: 'virtualenv', configuration: { requirements: ['a'] }, force: false, secretsOf: 'dev' },
    ]);
  });

  it('of an image has the files of its build context, and no function', async () => {
    const configuration = { image: { dockerfile_str: 'FROM scratch', use_isolate: false } };
    const environments = [{ kind: 'container', configuration }];
    const { launch, built } = setUp(() => ({ callable: { kind: 'image' }, environments }));
    expect(await launch('rev')).toMatchObject({ callable: { kind: 'image' }, mode: 'serve' });
    expect(built).toEqual([{ kind: 'container', configuration, force: false, secretsOf: 'dev', files: [] }]);
  });

  it('uses the machine type that UpdateApplication set for the active revision', async () => {
    const { launch, rooms } = setUp();
    const settings = { scale: scaleDefaults, settings: revisionDefaults, machineTypes: ['L'], validRegions: [] };
    const alias = {
      name: 'greet--dev',
      environmentName: 'dev',
      authMode: 'private',
      updatedAt: 1,
      ...settings,
    } as const;
    rooms.catalog.putAlias({ ...alias, revision: 'rev' });
    expect((await launch('rev')).machineType).toBe('L');
    rooms.catalog.putAlias({ ...alias, revision: 'another' });
    expect((await launch('rev')).machineType).toBe('S');
  });

  it.each<[string, (blob: string) => Partial<Revision>, RegExp]>([
    ['its bytes are gone', () => ({ callable: { kind: 'pickle', method: 'pickle', blob: 'f'.repeat(64) } }), /missing/],
    [
      'a file was never uploaded',
      () => ({ files: [{ hash: 'e'.repeat(64), relativePath: 'lib/a.py' }] }),
      /lib\/a\.py/,
    ],
    ['it has no environment', () => ({ environments: [] }), /environment/],
    [
      'its environment is of a kind that nobody builds',
      () => ({ environments: [{ kind: 'conda', configuration: {} }] }),
      /could not be built: Conda environments/,
    ],
  ])('rejects with a sentence when %s', async (_name, change, words) => {
    const { launch } = setUp(change);
    await expect(launch('rev')).rejects.toThrow(words);
  });

  it("rejects with the tool's message when the environment can't be built any more", async () => {
    const { launch, buildPlan } = setUp();
    buildPlan.failure = 'no such package';
    await expect(launch('rev')).rejects.toThrow(/no such package/);
  });

  it('rejects for an unknown revision', async () => {
    const { launch } = setUp();
    await expect(launch('nope')).rejects.toThrow(/nope/);
  });
});
