import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testFolder } from '../../store/testing/folder.ts';
import { agentPin } from './agent.ts';
import { environmentHash, parseVirtualenv } from './definition.ts';
import { removeUnused } from './unused.ts';

describe('unused environments', () => {
  it('are those that match no configuration, old agents included', async () => {
    const folder = testFolder();
    const configuration = { requirements: ['pillow'], python_version: '3.11' };
    const environment = { kind: 'virtualenv', configuration, secretsOf: 'main' };
    const parsed = parseVirtualenv(configuration);
    if (!parsed.ok) throw new Error(parsed.reason);
    const used = environmentHash(parsed.definition, [], agentPin);
    const old = environmentHash(parsed.definition, [], 'earlier');
    for (const hash of [used, old, 'other']) {
      mkdirSync(join(folder, 'environments', hash, '1', 'bin'), { recursive: true });
      writeFileSync(join(folder, 'environments', hash, '1', 'bin', 'python'), '12345');
    }
    for (const hash of [used, old]) {
      mkdirSync(join(folder, 'compile-caches', hash), { recursive: true });
      writeFileSync(join(folder, 'compile-caches', hash, 'kernel'), '123');
    }
    const others = { ...environment, configuration: { requirements: 7 } };
    // Two of five bytes, and the compile cache of one of them, which is counted by its size on the disk.
    expect(await removeUnused(folder, [environment, others])).toEqual({
      environments: 2,
      bytes: expect.toSatisfy((bytes: number) => bytes >= 10 + 3),
    });
    expect(readdirSync(join(folder, 'compile-caches'))).toEqual([used]);
    expect(existsSync(join(folder, 'environments', used, '1', 'bin', 'python'))).toBe(true);
    expect(await removeUnused(folder, [environment])).toEqual({ environments: 0, bytes: 0 });
    expect(await removeUnused(join(folder, 'nowhere'), [])).toEqual({ environments: 0, bytes: 0 });
    // Environments that name secrets belong to one deployment environment.
    const naming = { ...environment, configuration: { requirements: [`six${'$'}{TOKEN}`] } };
    const named = parseVirtualenv(naming.configuration);
    const hashes = ['dev', undefined].map(
      (owner) => named.ok && environmentHash(named.definition, [], agentPin, owner),
    );
    for (const hash of hashes) mkdirSync(join(folder, 'environments', String(hash)));
    expect((await removeUnused(folder, [environment, { ...naming, secretsOf: 'dev' }])).environments).toBe(1);
    expect(existsSync(join(folder, 'environments', String(hashes[0])))).toBe(true);
    expect((await removeUnused(folder, [environment])).environments).toBe(1);
    // The same configuration for another kind of environment: its builder is another one.
    expect(await removeUnused(folder, [{ ...environment, kind: 'other' }])).toEqual({
      environments: 1,
      bytes: expect.toSatisfy((bytes: number) => bytes >= 5 + 3),
    });
  });
});
