import type { Migration } from '../store/migrate.ts';
import { logTables, placeTables } from './tables.ts';

/** `logs.db`: a separate file, because its last moments may be lost and its size is limited. */
export const logMigrations: readonly Migration[] = [
  { name: 'log lines', statements: logTables },
  { name: 'places and exceptions', statements: placeTables },
];
