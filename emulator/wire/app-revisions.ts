import * as z from 'zod';

/** The answer of `GET /minifal/apps/ALIAS/revisions`: the newest first. */
export const appRevisionsSchema = z.object({
  alias: z.string(),
  /** The revision that gets the calls. */
  active: z.string(),
  revisions: z.array(z.object({ id: z.string(), createdAt: z.number() })),
});
export type AppRevisions = z.infer<typeof appRevisionsSchema>;
