import { documentTable } from '../store/documents.ts';

/** Undelivered webhooks, by request ID. */
export const webhookTables: readonly string[] = [documentTable('webhooks')];
