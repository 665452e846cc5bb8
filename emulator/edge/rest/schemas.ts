import { z } from 'zod';

/** ISO-8601; without an offset it is UTC (docs/platform/rest.md#rules). */
const isoInstant = z.string().transform((text, context) => {
  const zoned = /(?:Z|[+-]\d{2}:?\d{2})$/i.test(text) ? text : `${text}${text.includes('T') ? '' : 'T00:00:00'}Z`;
  const at = Date.parse(zoned.replace(' ', 'T'));
  if (Number.isNaN(at)) {
    context.addIssue({ code: 'custom', message: 'must be an ISO-8601 time' });
    return z.NEVER;
  }
  return at;
});

const levels = ['TRACE', 'DEBUG', 'INFO', 'WARNING', 'ERROR', 'STDOUT', 'STDERR'] as const;
const pageSize = z.coerce.number().int().min(1).max(10_000);

export const runnerLogsQuery = z.object({
  job_id: z.string().min(1),
  search: z.string().optional(),
  since: isoInstant.optional(),
  until: isoInstant.optional(),
  page_size: pageSize.default(1000),
});

export const logsQuery = z.object({
  limit: pageSize.default(100),
  since: isoInstant.optional(),
  until: isoInstant.optional(),
  app_id: z.string().optional(),
  revision: z.string().optional(),
  traceback: z.stringbool().optional(),
  search: z.string().optional(),
  level: z
    .string()
    .transform((level) => level.toUpperCase())
    .pipe(z.enum(levels))
    .optional(),
  job_id: z.string().optional(),
  request_id: z.string().optional(),
});
export type LogsQuery = z.output<typeof logsQuery>;

/** Labels that a filter may name, and the query that each represents. */
const labelFilter = z.object({
  key: z.enum(['fal_app_name', 'app', 'fal_app_id', 'app_id', 'fal_job_id', 'job_id', 'fal_request_id', 'request_id']),
  value: z.string(),
});
export const logsBody = z.object({ extra_filters: z.array(labelFilter).optional() });
export type LabelFilter = z.output<typeof labelFilter>;

/** Hex SHA-256 over content and mode (docs/platform/rest.md#app-files). */
export const fileHash = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex');
export const missingHashesBody = z.object({ hashes: z.array(fileHash).max(200_000) });
export const fileMetadata = z.object({
  size: z.coerce.number().int().min(0),
  mtime: z.coerce.number(),
  mode: z.coerce.number().int().min(0).max(0o777777),
  hash: fileHash,
});
export const partNumber = z.coerce.number().int().min(1).max(10_000);
export const completeBody = z.object({
  parts: z.array(z.object({ part_number: z.int().min(1), etag: z.string() })),
  metadata: fileMetadata.optional(),
});
