import type { Migration } from '../store/migrate.ts';
import { logTables } from './tables.ts';

/** `logs.db`: a file of its own, because it may lose its last moments and is cut at a size. */
export const logMigrations: readonly Migration[] = [{ name: 'log lines', statements: logTables }];
