import { catalogTables } from '../catalog/schema.ts';
import { queueTables } from '../queue/schema.ts';
import { logTables, runnerTables } from '../telemetry/schema.ts';
import type { Migration } from './migrate.ts';

/** `minifal.db`: what must survive. Append steps; never change one that was released. */
export const mainMigrations: readonly Migration[] = [
  { name: 'queue, catalog and runner history', statements: [...queueTables, ...catalogTables, ...runnerTables] },
];

/** `logs.db`: a file of its own, because it may lose its last moments and is cut at a size. */
export const logMigrations: readonly Migration[] = [{ name: 'log lines', statements: logTables }];
