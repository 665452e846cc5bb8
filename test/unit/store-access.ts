/** Kinds of store access that only the records of a room may use. */
const ways: readonly { readonly what: string; readonly found: RegExp }[] = [
  { what: 'prepares a statement', found: /\bsql\s*\(/ },
  { what: 'opens a transaction', found: /\b(transaction|transactEach)\s*(<[^>()]*>)?\(/ },
  { what: 'writes in groups', found: /\bcreateGroupCommit\s*\(/ },
  { what: 'keeps documents', found: /\bcreateDocuments\s*(<[^>()]*>)?\(/ },
  { what: 'opens SQLite', found: /\bfrom 'node:sqlite'/ },
  { what: 'has a text in SQL', found: /['"`]\s*(SELECT|INSERT|REPLACE INTO|UPDATE|DELETE FROM|PRAGMA|WITH) / },
];
const table = { what: 'declares a table', found: /['"`]\s*(CREATE|ALTER TABLE) |\bdocumentTable\s*\(/ };

/**
 * The files of a room that may access the store: `records.ts`, and `NOUN-records.ts` if one file would be too long.
 * `tables.ts` only declares the tables.
 */
export function storeAccess(file: string, source: string): readonly string[] {
  if (/(^|\/)([a-z-]+-)?records\.ts$/.test(file)) return [];
  const code = source.replace(/^\s*(?:\/\/|\*|\/\*).*$/gm, '');
  const forbidden = file.endsWith('/tables.ts') ? ways : [...ways, table];
  return forbidden.filter(({ found }) => found.test(code)).map(({ what }) => `${file} ${what}`);
}
