import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DiskTrouble } from '../local/disk-trouble.ts';
import { openTestStore } from '../queue/testing/requests.ts';
import type { Store } from '../store/open.ts';
import { checksum } from '../store/rows.ts';
import { testFolder } from '../store/testing/folder.ts';
import { UserError } from '../wire/errors.ts';
import { createCatalog } from './catalog.ts';
import { revisionDefaults, scaleDefaults } from './scale-settings.ts';
import type { SecretKey } from './secrets/secret-key.ts';
import type { Alias, Revision } from './types.ts';

const key = Buffer.alloc(32, 7);

function setUp() {
  const file = join(testFolder(), 'minifal.db');
  let now = 0;
  const open = (secretKey: SecretKey = key) => {
    const store = openTestStore(file);
    return { store, catalog: createCatalog({ store, secretKey, clock: () => ++now }) };
  };
  let current = open();
  return {
    get catalog() {
      return current.catalog;
    },
    get store() {
      return current.store;
    },
    restart(secretKey?: SecretKey, edit?: (store: Store) => void) {
      edit?.(current.store);
      current.store.close();
      current = open(secretKey);
    },
  };
}

function testRevision(id: string, change: Partial<Revision> = {}): Revision {
  return {
    id,
    alias: 'app',
    environmentName: 'main',
    createdAt: 1,
    environments: [{ kind: 'virtualenv', configuration: { requirements: ['a'] } }],
    callable: { kind: 'entrypoint', name: 'm:A' },
    machineTypes: ['XS'],
    numGpus: null,
    exposedPort: 8080,
    settings: revisionDefaults,
    scale: scaleDefaults,
    validRegions: [],
    files: [],
    secretNames: null,
    metadata: { openapi: { 'x-ü': [1.5, null] } },
    sourceCode: 'print("hi")',
    privateLogs: false,
    ...change,
  };
}

function testAlias(name: string, change: Partial<Alias> = {}): Alias {
  return {
    name,
    environmentName: 'main',
    revision: 'r1',
    authMode: 'private',
    scale: scaleDefaults,
    settings: revisionDefaults,
    machineTypes: ['XS'],
    validRegions: [],
    updatedAt: 1,
    ...change,
  };
}

describe('keys', () => {
  it('are accepted with their secret only, also after a restart, until they are revoked', () => {
    const room = setUp();
    const { keyId, keySecret } = room.catalog.createKey('ADMIN', 'laptop');
    const other = room.catalog.createKey('API', 'ci');
    for (let start = 0; start < 2; start++) {
      expect(room.catalog.verifyKey(keyId, keySecret)).toMatchObject({ keyId, scope: 'ADMIN', alias: 'laptop' });
      for (const wrong of ['', keySecret.slice(1), `${keySecret}0`, other.keySecret]) {
        expect(room.catalog.verifyKey(keyId, wrong)).toBeUndefined();
      }
      expect(room.catalog.verifyKey('nobody', keySecret)).toBeUndefined();
      room.restart();
    }
    expect(room.catalog.listKeys().map(({ alias }) => alias)).toEqual(['laptop', 'ci']);
    expect(room.catalog.revokeKey(keyId)).toBe(true);
    expect(room.catalog.revokeKey(keyId)).toBe(false);
    room.restart();
    expect(room.catalog.verifyKey(keyId, keySecret)).toBeUndefined();
    expect(room.catalog.verifyKey(other.keyId, other.keySecret)).toBeDefined();
  });

  it('have 256 random bits, none of which is stored or listed', () => {
    const room = setUp();
    const { keyId, keySecret } = room.catalog.createKey('ADMIN', 'a');
    expect(keyId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-/);
    expect(keySecret).toMatch(/^[0-9a-f]{64}$/);
    const stored = JSON.stringify([room.store.sql('SELECT * FROM keys').all(), room.catalog.listKeys()]);
    expect(stored).toContain(keyId);
    expect(stored).not.toContain(keySecret);
    expect(JSON.stringify(room.catalog.listKeys())).not.toContain('Hash');
  });
});

describe('environments', () => {
  it('always include main, which cannot be created again or deleted', () => {
    const room = setUp();
    const [main] = room.catalog.listEnvironments();
    expect(main).toEqual({ name: 'main', description: null, isDefault: true, createdAt: 1 });
    expect(room.catalog.createEnvironment('main', null)).toBe('exists');
    expect(room.catalog.deleteEnvironment('main')).toBe('default');
    room.restart();
    expect(room.catalog.listEnvironments()).toEqual([main]);
  });

  it('lose their secrets, aliases and revisions when deleted, and nothing else', () => {
    const room = setUp();
    expect(room.catalog.createEnvironment('dev', 'for trying')).toMatchObject({ name: 'dev', isDefault: false });
    expect(room.catalog.createEnvironment('dev', null)).toBe('exists');
    room.catalog.setSecret('TOKEN', 'dev value', 'dev');
    room.catalog.setSecret('TOKEN', 'main value', 'main');
    room.catalog.addRevision(testRevision('r1'));
    room.catalog.addRevision(testRevision('r2', { alias: 'app--dev', environmentName: 'dev' }));
    room.catalog.putAlias(testAlias('app'));
    room.catalog.putAlias(testAlias('app--dev', { environmentName: 'dev', revision: 'r2' }));
    expect(room.catalog.deleteEnvironment('dev')).toEqual({ aliases: ['app--dev'] });
    for (let start = 0; start < 2; start++) {
      expect(room.catalog.deleteEnvironment('dev')).toBe('unknown');
      expect(room.catalog.listSecrets('dev')).toEqual([]);
      expect(room.catalog.secretValues('main', null)).toEqual({ TOKEN: 'main value' });
      expect(room.catalog.allSecretValues()).toEqual(['main value']);
      expect(room.catalog.aliases(null).map(({ name }) => name)).toEqual(['app']);
      expect(room.catalog.revisions(null).map(({ id }) => id)).toEqual(['r1']);
      room.restart();
    }
  });
});

describe('secrets', () => {
  it('are passed to runners by default exposure or by exact names', () => {
    const room = setUp();
    room.catalog.setSecret('A', 'value of a', 'main');
    room.catalog.setSecret('B', 'value of b', 'main', false);
    room.catalog.setSecret('C', 'elsewhere', 'dev');
    for (let start = 0; start < 2; start++) {
      expect(room.catalog.secretValues('main', null)).toEqual({ A: 'value of a' });
      expect(room.catalog.secretValues('main', ['B', 'C', 'missing'])).toEqual({ B: 'value of b' });
      expect(room.catalog.secretValues('main', [])).toEqual({});
      room.restart();
    }
  });

  it('are read by a build of their own environment only, exposed to its runners or not', () => {
    const { catalog } = setUp();
    catalog.createEnvironment('dev', null);
    catalog.setSecret('A', 'of main', 'main');
    catalog.setSecret('B', 'hidden in main', 'main', false);
    catalog.setSecret('A', 'of dev', 'dev');
    const read = (environment: string) =>
      ['A', 'B', 'constructor'].map((name) => catalog.buildSecret(environment, name));
    expect(read('main')).toEqual(['of main', 'hidden in main', undefined]);
    expect(read('dev')).toEqual(['of dev', undefined, undefined]);
    catalog.deleteEnvironment('dev');
    expect(read('dev')).toEqual([undefined, undefined, undefined]);
  });

  it('keep their exposure and creation time when only the value is set, and are deleted when it is null', () => {
    const { catalog } = setUp();
    catalog.setSecret('A', 'one', 'main', false);
    const [before] = catalog.listSecrets('main');
    catalog.setSecret('A', 'two', 'main');
    expect(catalog.listSecrets('main')).toEqual([before]);
    expect(catalog.secretValues('main', ['A'])).toEqual({ A: 'two' });
    catalog.setSecret('A', 'two', 'main', true);
    expect(catalog.listSecrets('main')).toEqual([{ ...before, defaultExposed: true }]);
    catalog.setSecret('A', null, 'main');
    catalog.setSecret('never there', null, 'main');
    expect(catalog.listSecrets('main')).toEqual([]);
  });

  it('are encrypted on disk and never listed', () => {
    const room = setUp();
    room.catalog.setSecret('A', 'planted-value', 'main');
    room.catalog.setSecret('B', 'planted-value', 'main');
    const rows = JSON.stringify(room.store.sql('SELECT * FROM secrets').all());
    expect(rows).not.toContain('planted-value');
    expect(rows).not.toContain(Buffer.from('planted-value').toString('base64').slice(0, 12));
    expect(JSON.stringify(room.catalog.listSecrets('main'))).not.toMatch(/planted|sealed/);
  });

  it('are dropped with a notice when the key has changed or a value was moved to another name', () => {
    const room = setUp();
    room.catalog.setSecret('A', 'planted-value', 'main');
    room.restart(Buffer.alloc(32, 8));
    expect(room.catalog.listSecrets('main')).toEqual([]);
    expect(room.store.notices()).toEqual([expect.stringContaining('The secret A of environment main')]);
    expect(room.store.notices().join()).not.toContain('planted');
    room.restart(key);
    expect(room.catalog.secretValues('main', null)).toEqual({ A: 'planted-value' });
  });

  it('are listed and can be deleted while their key is sealed; values are neither given nor set, none is lost', () => {
    const room = setUp();
    room.catalog.setSecret('A', 'value of a', 'main');
    room.catalog.setSecret('B', 'value of b', 'main', false);
    room.catalog.setSecret('C', 'value of c', 'main', false);
    const listed = room.catalog.listSecrets('main');
    room.restart(new UserError('SECRETS_SEALED', 'Sealed.', 'Open it.'));
    expect(room.store.notices()).toEqual([]);
    expect(room.catalog.listSecrets('main')).toEqual(listed);
    for (const names of [null, ['B']]) expect(() => room.catalog.secretValues('main', names)).toThrow('Sealed.');
    expect(() => room.catalog.buildSecret('main', 'B')).toThrow('Sealed.');
    for (const names of [[], ['missing']]) expect(room.catalog.secretValues('main', names)).toEqual({});
    expect(room.catalog.secretValues('dev', null)).toEqual({});
    expect(() => room.catalog.setSecret('A', 'another', 'main')).toThrow('Sealed.');
    expect(room.catalog.allSecretValues()).toEqual([]);
    room.catalog.setSecret('C', null, 'main');
    room.restart();
    expect(room.catalog.secretValues('main', ['A', 'B', 'C'])).toEqual({ A: 'value of a', B: 'value of b' });
  });

  it('are passed to the mask as the same list until one changes', () => {
    const { catalog } = setUp();
    catalog.setSecret('A', 'one', 'main');
    const values = catalog.allSecretValues();
    expect(catalog.allSecretValues()).toBe(values);
    catalog.setSecret('B', 'two', 'dev', false);
    expect(catalog.allSecretValues()).toEqual(['one', 'two']);
  });

  it('require a key of the correct length', () => {
    const store = openTestStore(join(testFolder(), 'a.db'));
    expect(() => createCatalog({ store, secretKey: Buffer.alloc(16), clock: () => 0 })).toThrow(RangeError);
  });
});

describe('revisions and aliases', () => {
  it('are complete after a restart, revisions newest first', () => {
    const room = setUp();
    const first = testRevision('r1');
    const second = testRevision('r2', { createdAt: 2, metadata: null, sourceCode: null, callable: { kind: 'image' } });
    const dev = testRevision('r3', { alias: 'other--dev', environmentName: 'dev' });
    for (const revision of [first, second, dev]) room.catalog.addRevision(revision);
    const alias = testAlias('app', { revision: 'r2' });
    room.catalog.putAlias(testAlias('app'));
    room.catalog.putAlias(testAlias('other--dev', { environmentName: 'dev' }));
    room.catalog.putAlias(alias);
    for (let start = 0; start < 2; start++) {
      expect(room.catalog.revision('r1')).toEqual(first);
      expect(room.catalog.revisions('main')).toEqual([second, first]);
      expect(room.catalog.revisions('main', 'nothing')).toEqual([]);
      expect(room.catalog.revisions(null).map(({ id }) => id)).toEqual(['r3', 'r2', 'r1']);
      expect(room.catalog.revisions(null, 'other--dev')).toEqual([dev]);
      expect(room.catalog.alias('app')).toEqual(alias);
      expect(room.catalog.aliases('main')).toEqual([alias]);
      expect(room.catalog.aliases(null).map(({ name }) => name)).toEqual(['app', 'other--dev']);
      room.restart();
    }
    expect(room.catalog.deleteAlias('app')).toEqual(alias);
    expect(room.catalog.deleteAlias('app')).toBeUndefined();
    expect(room.catalog.deleteRevision('r1')).toBe(true);
    expect(room.catalog.deleteRevision('r1')).toBe(false);
    room.restart();
    expect(room.catalog.alias('app')).toBeUndefined();
    expect(room.catalog.revisions('main')).toEqual([second]);
  });

  it('changes nothing in memory when the disk refuses', () => {
    const room = setUp();
    const store: Store = {
      ...room.store,
      transaction() {
        throw new Error('disk full');
      },
    };
    const catalog = createCatalog({ store, secretKey: key, clock: () => 0 });
    expect(() => catalog.putAlias(testAlias('app'))).toThrow('disk full');
    expect(() => catalog.createKey('ADMIN', 'a')).toThrow('disk full');
    expect([catalog.alias('app'), catalog.listKeys()]).toEqual([undefined, []]);
  });

  it('moves an alias even while the disk is full, and writes it when there is room', async () => {
    const room = setUp();
    room.catalog.putAlias(testAlias('app'));
    const sql = room.store.sql;
    sql('PRAGMA max_page_count = 1').all();
    for (let n = 0; n < 50; n++) {
      expect(() => room.catalog.putAlias({ ...testAlias(`other${n}`), machineTypes: ['x'.repeat(20_000)] })).toThrow(
        DiskTrouble,
      );
    }
    room.catalog.moveAlias('app', 'r2');
    expect(room.catalog.alias('app')).toMatchObject({ revision: 'r2' });
    expect(room.catalog.aliases(null)).toHaveLength(1);
    sql('PRAGMA max_page_count = 1000000').all();
    await expect.poll(() => room.store.trouble(), { timeout: 10_000 }).toBeNull();
    room.restart();
    expect(room.catalog.alias('app')).toMatchObject({ revision: 'r2' });
  });

  it('reports an error that a follower of aliases throws, and still calls the others', () => {
    const { store } = setUp();
    const reported: unknown[] = [];
    const catalog = createCatalog({
      store,
      secretKey: key,
      clock: () => 0,
      report: (error) => void reported.push(error),
    });
    const changes: string[] = [];
    catalog.followAliases(() => {
      throw new Error('a bug of one follower');
    });
    const unfollow = catalog.followAliases((name) => void changes.push(`${name} ${catalog.alias(name)?.revision}`));
    catalog.putAlias(testAlias('app'));
    catalog.moveAlias('app', 'r2');
    catalog.deleteAlias('app');
    unfollow();
    catalog.putAlias(testAlias('later'));
    expect(changes).toEqual(['app r1', 'app r2', 'app undefined']);
    expect(reported).toHaveLength(4);
  });

  it('drops a damaged entry with a notice and keeps the others', () => {
    const room = setUp();
    room.catalog.putAlias(testAlias('good'));
    room.catalog.putAlias(testAlias('bad'));
    room.restart(key, (store) => {
      store.sql("UPDATE aliases SET document = replace(document, 'private', 'public') WHERE id = 'bad'").run();
    });
    expect(room.catalog.aliases(null).map(({ name }) => name)).toEqual(['good']);
    expect(room.store.notices()).toEqual([expect.stringContaining('aliases (bad) was dropped')]);
    room.restart();
    expect(room.store.notices()).toEqual([]);
  });

  it('from a minifal without GPU slots get those of their machine type', () => {
    const room = setUp();
    room.catalog.addRevision(testRevision('r1', { machineTypes: ['GPU-H100'], numGpus: 2 }));
    room.catalog.putAlias(testAlias('app', { machineTypes: ['GPU'] }));
    room.catalog.putAlias(testAlias('cpu'));
    room.restart(key, (store) => {
      for (const [table, id] of [
        ['revisions', 'r1'],
        ['aliases', 'app'],
        ['aliases', 'cpu'],
      ] as const) {
        const row = store.sql(`SELECT document FROM ${table} WHERE id = ?`).get(id);
        const document = String(row?.document).replace('"gpuSlots":0,', '');
        const update = store.sql(`UPDATE ${table} SET document = ?, check_sum = ? WHERE id = ?`);
        update.run(document, checksum(`${id}\0${document}`), id);
      }
    });
    expect(room.catalog.revision('r1')?.settings).toEqual({
      ...revisionDefaults,
      ...{ gpuSlots: 2, gpuTypes: ['GPU-H100'] },
    });
    expect(room.catalog.alias('app')?.settings).toEqual({
      ...revisionDefaults,
      ...{ gpuSlots: 1, gpuTypes: ['GPU'] },
    });
    expect(room.catalog.alias('cpu')?.settings).toEqual(revisionDefaults);
  });

  it('keeps what another minifal wrote and this one cannot read', () => {
    const room = setUp();
    room.catalog.putAlias(testAlias('good'));
    room.catalog.putAlias(testAlias('foreign'));
    const row = "SELECT document FROM aliases WHERE id = 'foreign'";
    room.restart(key, (store) => {
      const document = String(store.sql(row).get()?.document).replace('"private"', '"by-invitation"');
      store
        .sql('UPDATE aliases SET document = ?, check_sum = ? WHERE id = ?')
        .run(document, checksum(`foreign\0${document}`), 'foreign');
    });
    expect(room.catalog.aliases(null).map(({ name }) => name)).toEqual(['good']);
    expect(room.store.notices()).toEqual([expect.stringContaining('aliases (foreign)')]);
    expect(room.store.sql(row).get()?.document).toContain('by-invitation');
  });
});
