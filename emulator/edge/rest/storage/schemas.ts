import { z } from 'zod';
import type { Acl } from '../../../storage/stored-file.ts';

/** The documentation has `deny` where the clients have `forbid` (docs/platform/rest.md#uploads-of-the-sdk). */
const decision = z
  .enum(['allow', 'forbid', 'deny', 'hide'])
  .transform((value) => (value === 'deny' ? 'forbid' : value));
const acl = z.object({
  default: decision.nullish().transform((value) => value ?? ('allow' as const)),
  rules: z
    .array(z.object({ user: z.string(), decision }))
    .nullish()
    .transform((rules) => rules ?? []),
});
const seconds = z.number().min(0).max(1e10);
const lifecycle = z.object({
  /** 0 and null: no expiry. Callers pass it on through apps, some as text. */
  expiration_duration_seconds: z.union([seconds, z.string().regex(/^\d+$/).transform(Number).pipe(seconds)]).nullish(),
  initial_acl: acl.nullish(),
});

export interface Lifecycle {
  readonly expiresInSeconds: number | null;
  readonly acl: Acl | null;
}

/**
 * The JSON of `X-Fal-Object-Lifecycle` (or `-Preference`); without it, files are kept and anybody who knows the URL may
 * read.
 */
export const lifecycleHeader = z
  .string()
  .default('{}')
  .transform((text, context): z.output<typeof lifecycle> => {
    try {
      const parsed = lifecycle.safeParse(JSON.parse(text));
      if (parsed.success) return parsed.data;
    } catch {
      // said below
    }
    context.addIssue({ code: 'custom', message: 'the object lifecycle is not the JSON that clients send' });
    return z.NEVER;
  })
  .transform(
    (value): Lifecycle => ({
      expiresInSeconds: value.expiration_duration_seconds || null,
      acl: value.initial_acl ?? null,
    }),
  );

export const initiateQuery = z.object({ storage_type: z.enum(['fal-cdn-v3', 'gcs']).default('fal-cdn-v3') });
export const initiateBody = z.object({
  file_name: z.string().max(4096).nullish(),
  content_type: z.string().max(1024).nullish(),
});

/** Both spellings of clients. */
const part = z.union([
  z.object({ partNumber: z.int(), etag: z.string() }),
  z
    .object({ part_number: z.int(), etag: z.string() })
    .transform(({ part_number, etag }) => ({ partNumber: part_number, etag })),
]);
export const partsBody = z.object({ parts: z.array(part).max(10_000) });

/** What may go into a header as it is; anything else is bytes. */
export function contentTypeOf(value: string | null | undefined): string {
  const type = value?.trim() ?? '';
  return /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:\s*;[\x20-\x7e]*)?$/.test(type) ? type : 'application/octet-stream';
}

/** The end of a URL: recognisable, and harmless everywhere. */
export function urlName(value: string | null | undefined): string {
  const last = (value ?? '').split(/[/\\]/).at(-1) ?? '';
  const name = last
    .replace(/[^A-Za-z0-9._-]/g, '_')
    .replace(/^\.+/, '')
    .slice(-100);
  return name === '' ? 'file' : name;
}
