import * as z from 'zod';

const valueSchema = z.union([z.number(), z.array(z.string()), z.null()]);

/** The setting's names in the code of an app. */
export const settingNames = [
  'keep_alive',
  'min_concurrency',
  'max_concurrency',
  'concurrency_buffer',
  'concurrency_buffer_perc',
  'scaling_delay',
  'request_timeout',
  'request_start_timeout',
  'regions',
  'machine_type',
  'max_multiplexing',
  'startup_timeout',
  'termination_grace_period_seconds',
] as const;

const settingSchema = z.object({
  /** In effect. `null`: no limit. */
  value: valueSchema,
  /**
   * `code`: the deployed revision was registered with it. `kept`: an earlier revision of the app was, and deploys keep
   * it. `changed`: it was changed on the app, as by `fal apps scale`.
   */
  source: z.enum(['code', 'kept', 'changed']),
  /** Only with `kept`: that revision. */
  revision: z.string().optional(),
  /** What the platform uses where nothing is given. */
  default: valueSchema,
  /** Whether a deploy keeps the value of the app, unless it resets the scale settings. */
  isKept: z.boolean(),
});

/** The response of `GET /minifal/apps/ALIAS/settings`: the settings of a deployed app in effect, and their sources. */
export const appSettingsSchema = z.object({
  alias: z.string(),
  revision: z.string(),
  settings: z.record(z.enum(settingNames), settingSchema),
});
export type AppSettings = z.infer<typeof appSettingsSchema>;
