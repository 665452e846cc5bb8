import { describe, expect, it } from 'vitest';
import { createKeychain, type KeychainDeps, type SealSecrets } from './keychain.ts';

/** A keychain that remembers, and the editor's own memory; `asked` counts what the keychain was asked. */
function machine() {
  const entries = new Map<string, string>();
  const state = { everSealed: false, asked: 0, said: [] as string[] };
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
  const everSealed = {
    get: () => state.everSealed,
    set: async (value: boolean) => {
      state.everSealed = value;
    },
  };
  /** A window of the editor starts an emulator. */
  const start = (
    session: string,
    {
      isSealed = false,
      setting = 'auto' as SealSecrets,
      ...more
    }: { isSealed?: boolean; setting?: SealSecrets } & Partial<KeychainDeps> = {},
  ) =>
    createKeychain({ secrets, everSealed, session, run: '', isLocal: true, ...more }).order({
      isSealed,
      setting,
      log: (sentence) => state.said.push(sentence),
    });
  return { entries, state, secrets, everSealed, start };
}

const keyIn = (entries: Map<string, string>): string => JSON.parse([...entries.values()][0] ?? '{}').key;

describe("the editor's keychain", () => {
  it('seals only with a key that an earlier session had stored', async () => {
    const { entries, state, start } = machine();
    expect(await start('one')).toBeUndefined();
    const key = keyIn(entries);
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect(await start('one')).toBeUndefined();
    expect(state.everSealed).toBe(false);
    expect(await start('two')).toEqual({ wrappingKey: key, want: 'seal' });
    expect(state.everSealed).toBe(true);
    expect(await start('three', { isSealed: true })).toEqual({ wrappingKey: key, want: 'open' });
    expect(keyIn(entries)).toBe(key);
    expect(state.said.join()).not.toContain(key);
  });

  it('is not believed before the editor itself was started anew, where that can be told', async () => {
    const { start } = machine();
    await start('one', { run: '77' });
    expect(await start('two', { run: '77' })).toBeUndefined();
    // The name of the session may be the same for all.
    expect(await start('one', { run: '78' })).toMatchObject({ want: 'seal' });
  });

  it('that forgets never seals', async () => {
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

  it('of another machine seals for those who want that', async () => {
    const { start } = machine();
    await start('one', { setting: 'always', isLocal: false });
    expect(await start('two', { setting: 'always', isLocal: false })).toMatchObject({ want: 'seal' });
    expect(await start('two', { setting: 'auto', isLocal: false, isSealed: true })).toMatchObject({ want: 'open' });
  });

  it('gives the key back to its file when secrets are not to be sealed any more', async () => {
    const { start } = machine();
    await start('one');
    expect(await start('two', { isSealed: true, setting: 'never' })).toMatchObject({ want: 'unseal' });
  });

  it('that lost a key in use gets no other one in its place until the secrets were set aside', async () => {
    const { entries, state, secrets, everSealed, start } = machine();
    await start('one');
    await start('two');
    const [[name = '', value = ''] = []] = entries;
    entries.clear();
    expect(await start('three', { isSealed: true })).toBeUndefined();
    expect(await start('three')).toBeUndefined();
    expect(entries.size).toBe(0);
    entries.set(name, value);
    expect(await start('four', { isSealed: true })).toMatchObject({ wrappingKey: JSON.parse(value).key });
    entries.clear();
    const { startAnew } = createKeychain({ secrets, everSealed, session: 'five', run: '', isLocal: true });
    await startAnew();
    await start('five');
    expect(keyIn(entries)).not.toBe(JSON.parse(value).key);
    expect(state.said.join()).toMatch(/does not have the key/);
  });

  it.each([
    ['refuses', async () => Promise.reject(new Error('The name org.freedesktop.secrets was not provided'))],
    ['does not answer', () => new Promise<never>(() => {})],
    ['holds something else', async () => '{"key": 7}'],
  ])('that %s lets the emulator start without it', async (_what, get) => {
    const { secrets, start } = machine();
    const deps = { secrets: { ...secrets, get }, patienceMs: 10 };
    for (const isSealed of [false, true]) expect(await start('one', { ...deps, isSealed })).toBeUndefined();
  });
});
