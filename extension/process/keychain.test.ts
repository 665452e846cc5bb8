import { describe, expect, it } from 'vitest';
import { keyIdOf } from '../target/secret-file.ts';
import { createKeychain, type KeychainDeps, type SealingKey, type SealSecrets } from './keychain.ts';

/** A keychain that keeps its entries, and the editor's own storage; `asked` counts the calls of the keychain. */
function machine() {
  const entries = new Map<string, string>();
  const state = { sealing: { id: null, inUse: false } as SealingKey, asked: 0, logged: [] as string[] };
  const secrets: KeychainDeps['secrets'] = {
    async get(name) {
      state.asked++;
      return entries.get(name);
    },
    async store(name, value) {
      state.asked++;
      entries.set(name, value);
    },
  };
  const sealingKey = {
    get: () => state.sealing,
    set: async (value: SealingKey) => {
      state.sealing = value;
    },
  };
  /**
   * An editor window that starts an emulator on a folder sealed by the key with this id (`null`: the id isn't
   * recorded).
   */
  const start = (
    session: string,
    {
      sealedBy,
      setting = 'auto' as SealSecrets,
      ...more
    }: { sealedBy?: string | null; setting?: SealSecrets } & Partial<KeychainDeps> = {},
  ) =>
    createKeychain({ secrets, sealingKey, session, run: '', isLocal: true, ...more }).order({
      sealed: sealedBy === undefined ? undefined : { keyId: sealedBy, bytes: '' },
      setting,
      log: (sentence) => state.logged.push(sentence),
    });
  const reset = () => createKeychain({ secrets, sealingKey, session: '', run: '', isLocal: true }).reset();
  return { entries, state, secrets, reset, start };
}

const keyIn = (entries: Map<string, string>): string => JSON.parse([...entries.values()][0] ?? '{}').key;

describe("the editor's keychain", () => {
  it('seals only with a key that an earlier session stored', async () => {
    const { entries, state, start } = machine();
    expect(await start('one')).toBeUndefined();
    const key = keyIn(entries);
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect(await start('one')).toBeUndefined();
    expect(state.sealing).toEqual({ id: keyIdOf(key), inUse: false });
    expect(await start('two')).toEqual({ wrappingKey: key, want: 'seal' });
    expect(state.sealing).toEqual({ id: keyIdOf(key), inUse: true });
    expect(await start('three', { sealedBy: keyIdOf(key) })).toEqual({ wrappingKey: key, want: 'open' });
    expect(keyIn(entries)).toBe(key);
    expect(state.logged.join()).not.toContain(key);
  });

  it('is not trusted until the editor has restarted, where a restart can be detected', async () => {
    const { start } = machine();
    await start('one', { run: '77' });
    expect(await start('two', { run: '77' })).toBeUndefined();
    // The session id may be the same for all sessions.
    expect(await start('one', { run: '78' })).toMatchObject({ want: 'seal' });
  });

  it('that loses its entries never seals', async () => {
    const { entries, start } = machine();
    for (const session of ['one', 'two', 'three']) {
      expect(await start(session)).toBeUndefined();
      entries.clear();
    }
  });

  it.each([
    ['never', true],
    ['auto', false],
  ] as const)('is not touched while no key is sealed and none may be: %s, local: %s', async (setting, isLocal) => {
    const { state, start } = machine();
    expect(await start('one', { setting, isLocal })).toBeUndefined();
    expect(state.asked).toBe(0);
  });

  it('of another machine seals only with the setting "always"', async () => {
    const { state, start } = machine();
    await start('one', { setting: 'always', isLocal: false });
    expect(await start('two', { setting: 'always', isLocal: false })).toMatchObject({ want: 'seal' });
    expect(await start('two', { setting: 'auto', isLocal: false, sealedBy: state.sealing.id })).toMatchObject({
      want: 'open',
    });
  });

  it('writes the key back to its file when sealing is switched off', async () => {
    const { state, start } = machine();
    await start('one');
    expect(await start('two', { sealedBy: state.sealing.id, setting: 'never' })).toMatchObject({ want: 'unseal' });
  });

  it('that lost a key in use gets a new key, in a new entry, only after the secrets were reset', async () => {
    const { entries, state, reset, start } = machine();
    await start('one');
    await start('two');
    const [[name = '', value = ''] = []] = entries;
    const old = { sealedBy: state.sealing.id };
    entries.clear();
    expect(await start('three', old)).toBeUndefined();
    expect(await start('three')).toBeUndefined();
    expect(entries.size).toBe(0);
    expect(state.logged.join()).toMatch(/does not have the key/);
    entries.set(name, value);
    expect(await start('four', old)).toMatchObject({ wrappingKey: JSON.parse(value).key });
    entries.clear();
    await reset();
    await start('five');
    expect(await start('six')).toMatchObject({ want: 'seal' });
    const now = { sealedBy: state.sealing.id };
    expect(now).not.toEqual(old);
    // The keychain and the lost data folder are back; the new folder still has its own key.
    entries.set(name, value);
    expect(await start('seven', old)).toEqual({ wrappingKey: JSON.parse(value).key, want: 'open' });
    expect(await start('seven', now)).toMatchObject({ want: 'open' });
    expect(entries.size).toBe(2);
  });

  it('opens a second data folder with the key that the folder names, whichever key seals now', async () => {
    const { entries, state, reset, start } = machine();
    await start('one');
    const first = state.sealing.id ?? '';
    await start('two');
    const kept = new Map(entries);
    entries.clear();
    await reset();
    await start('three');
    for (const [name, value] of kept) entries.set(name, value);
    for (const id of [first, state.sealing.id ?? '']) {
      const order = await start('four', { sealedBy: id });
      expect(keyIdOf(order?.wrappingKey ?? '')).toBe(id);
    }
  });

  it('copies the single entry of earlier versions to an entry of its own, and finds it by either name', async () => {
    const { entries, state, start } = machine();
    const key = 'a'.repeat(64);
    const value = JSON.stringify({ key, session: 'one', run: '' });
    entries.set('minifal.wrappingKey', value);
    state.sealing = { id: null, inUse: true };
    expect(await start('two', { sealedBy: null })).toEqual({ wrappingKey: key, want: 'open' });
    expect(entries).toEqual(
      new Map([
        ['minifal.wrappingKey', value],
        [`minifal.wrappingKey.${keyIdOf(key)}`, value],
      ]),
    );
    for (const sealedBy of [null, keyIdOf(key)])
      expect(await start('three', { sealedBy })).toMatchObject({ want: 'open' });
    expect(await start('four')).toEqual({ wrappingKey: key, want: 'seal' });
    expect(state.sealing).toEqual({ id: keyIdOf(key), inUse: true });
    expect(await start('five', { sealedBy: '0'.repeat(16) })).toBeUndefined();
    entries.delete(`minifal.wrappingKey.${keyIdOf(key)}`);
    expect(await start('six', { sealedBy: keyIdOf(key) })).toMatchObject({ wrappingKey: key });
  });

  it('that can’t store a copy of the old entry still opens what it sealed', async () => {
    const { entries, secrets, start } = machine();
    const key = 'a'.repeat(64);
    entries.set('minifal.wrappingKey', JSON.stringify({ key, session: 'one', run: '' }));
    const store = async () => Promise.reject(new Error('read-only'));
    expect(await start('two', { sealedBy: null, secrets: { ...secrets, store } })).toMatchObject({ wrappingKey: key });
  });

  it.each([
    ['refuses', async () => Promise.reject(new Error('The name org.freedesktop.secrets was not provided'))],
    ['does not answer', () => new Promise<never>(() => {})],
    ['holds something else', async () => '{"key": 7}'],
  ])('that %s doesn’t keep the emulator from starting', async (_what, get) => {
    const { secrets, start } = machine();
    const deps = { secrets: { ...secrets, get }, timeoutMs: 10 };
    for (const sealed of [{}, { sealedBy: null }, { sealedBy: '0'.repeat(16) }]) {
      expect(await start('one', { ...deps, ...sealed })).toBeUndefined();
    }
  });
});
