import { documentTable } from '../store/documents.ts';

/** Published workflows, by name. */
export const workflowTables: readonly string[] = [documentTable('workflows')];
