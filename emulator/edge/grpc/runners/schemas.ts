import { z } from 'zod';
import { bytes, id, instantMs } from '../fields.ts';

/** The kernel keeps 16 bits of each; 0: unknown. */
const terminalSide = z.int().min(0).max(65535).default(0);

const listRunners = z.object({ list_pending: z.boolean().optional(), start_time: instantMs.optional() });
export const listRunnersSchema = listRunners;
export const listAliasRunnersSchema = listRunners.extend({ alias: id });
export const stopRunnerSchema = z.object({ runner_id: id, replace_first: z.boolean().optional() });
export const killRunnerSchema = z.object({ runner_id: id });

/** One message of a client of ShellRunner; the fields that open the session count only in the first message. */
export const shellInputSchema = z.object({
  runner_id: z.string().optional(),
  command: z.array(z.string()),
  tty: z.boolean().optional(),
  data: bytes.optional(),
  close: z.boolean().optional(),
  tty_size: z.object({ height: terminalSide, width: terminalSide }).optional(),
});
