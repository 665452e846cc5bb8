import * as z from 'zod';

const part = z.object({ count: z.int(), bytes: z.number() });

/** The answer of `GET /minifal/disk`: what the data folder takes on the disk. */
export const diskUseSchema = z.object({
  folder: z.string(),
  bytes: z.number(),
  /** Execution environments, and those among them that no revision uses: `minifal clean` removes these. */
  environments: part,
  unused: part,
  /** Stored files and values, and `/data` of the apps. */
  storageBytes: z.number(),
  dataBytes: z.number(),
  /** Room on the disk of the folder. */
  freeBytes: z.number(),
});
export type DiskUse = z.infer<typeof diskUseSchema>;
