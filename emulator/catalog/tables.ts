import { documentTable } from '../store/documents.ts';

/** Small, rarely written, read from memory: documents by id. */
export const catalogTables: readonly string[] = [
  documentTable('keys'),
  documentTable('environments'),
  documentTable('secrets'),
  documentTable('revisions'),
  documentTable('aliases'),
];
