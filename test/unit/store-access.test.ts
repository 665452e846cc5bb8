import { globSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testSupport } from './import-graph.ts';
import { storeAccess } from './store-access.ts';

const root = join(import.meta.dirname, '..', '..');

const files = globSync('{emulator,extension,webview}/**/*.ts', { cwd: root })
  .map((file) => file.split(sep).join('/'))
  .filter(
    (file) => !file.endsWith('.test.ts') && !testSupport.test(file) && !/\/(generated|node_modules)\//.test(file),
  );

describe('the store', () => {
  it('is accessed only by the records of a room', () => {
    const others = files.filter((file) => !file.startsWith('emulator/store/'));
    expect(others.flatMap((file) => storeAccess(file, readFileSync(join(root, file), 'utf8')))).toEqual([]);
    expect(others).toContain('emulator/queue/queue.ts');
  });
});

describe('the search for store access', () => {
  it.each([
    ["store.sql('SELECT 1')", 'prepares a statement'],
    ['const row = sql(text).get();', 'prepares a statement'],
    ['store.transaction(() => rows.remove(id));', 'opens a transaction'],
    ['store.transaction<void>(() => rows.remove(id));', 'opens a transaction'],
    ['store.transactEach(pieces);', 'opens a transaction'],
    ['const commits = createGroupCommit(store);', 'writes in groups'],
    ["const hooks = createDocuments<Hook>(store, 'hooks', hook);", 'keeps documents'],
    ["import { DatabaseSync } from 'node:sqlite';", 'opens SQLite'],
    ['const one = `\n  SELECT id FROM hooks`;', 'has a text in SQL'],
    ["db.exec('PRAGMA incremental_vacuum');", 'has a text in SQL'],
    ["const tables = ['CREATE TABLE hooks (id TEXT)'];", 'declares a table'],
    ["export const hookTables = [documentTable('hooks')];", 'declares a table'],
  ])('finds %s', (source, what) => {
    expect(storeAccess('emulator/queue/queue.ts', source)).toContain(`emulator/queue/queue.ts ${what}`);
    expect(storeAccess('emulator/queue/records.ts', source)).toEqual([]);
    expect(storeAccess('emulator/queue/input-records.ts', source)).toEqual([]);
    const inSchema = storeAccess('emulator/queue/tables.ts', source);
    if (what === 'declares a table') expect(inSchema).toEqual([]);
    else expect(inSchema).toContain(`emulator/queue/tables.ts ${what}`);
  });

  it.each(['// store.sql is for records', ' * `store.transaction()` commits', 'await prepare(rooms);', 'update(row);'])(
    'leaves %s alone',
    (source) => {
      expect(storeAccess('emulator/queue/queue.ts', source)).toEqual([]);
    },
  );
});
