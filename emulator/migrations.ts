import { catalogTables } from './catalog/tables.ts';
import { queueTables } from './queue/tables.ts';
import { storageTables } from './storage/tables.ts';
import type { Migration } from './store/migrate.ts';
import { runnerTables } from './telemetry/tables.ts';
import { webhookTables } from './webhooks/tables.ts';
import { workflowTables } from './workflows/tables.ts';

/**
 * `minifal.db`: what must survive. Append steps; never change one that was released. Each has its digest and a folder
 * that was written with it in test/unit/old-folders.test.ts.
 */
export const mainMigrations: readonly Migration[] = [
  { name: 'queue, catalog and runner history', statements: [...queueTables, ...catalogTables, ...runnerTables] },
  { name: 'stored files and key-value pairs', statements: storageTables },
  { name: 'workflows and webhooks', statements: [...workflowTables, ...webhookTables] },
];
