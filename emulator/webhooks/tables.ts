import { documentTable } from '../store/documents.ts';

/** Webhooks that are still to be delivered, by request id. */
export const webhookTables: readonly string[] = [documentTable('webhooks')];
