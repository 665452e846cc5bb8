import * as z from 'zod';

/** Why a reload is what it is: a sentence, and the way to what decided (`load_model <- Demo.setup`). */
const reasonSchema = z.object({
  code: z.string(),
  text: z.string(),
  trail: z.array(z.string()).default([]),
  /** What would make a change swappable, without a full stop. */
  remedy: z.string().nullish(),
});

const errorSchema = z.object({
  type: z.string(),
  message: z.string(),
  /** Absolute, and 1-based; `null`: no line of the project. */
  file: z.string().nullable(),
  line: z.int().nullable(),
  traceback: z.string(),
});
export type LoadError = z.output<typeof errorSchema>;

/** Files and folders of the project whose change can change the app: absolute. */
const filesSchema = z.array(z.string()).max(20_000);

/** What the loader reports, a line of JSON each. */
export const loaderEvent = z.discriminatedUnion('event', [
  /** `fal run` serves the app under this alias. */
  z.object({ event: z.literal('serving'), alias: z.string(), files: filesSchema }),
  /** A save was imported, and compared with the version that the emulator accepted last. */
  z.object({
    event: z.literal('loaded'),
    id: z.int(),
    verdict: z.enum(['same', 'swap', 'restart', 'rebuild', 'registration']),
    reason: reasonSchema.nullable().default(null),
    changed: z.array(z.object({ path: z.string(), what: z.string() })).default([]),
    /** Names of state that stays although requests may have made it. */
    kept: z.array(z.string()).default([]),
    /** What the SDK would send, and the change for runners that are patched; base64. */
    run: z.string(),
    delta: z.string().nullable().default(null),
    certificate: z.record(z.string(), z.unknown()).nullable().default(null),
    files: filesSchema,
  }),
  /** A save that can't be imported. */
  z.object({ event: z.literal('failed'), id: z.int(), error: errorSchema, files: filesSchema }),
  z.object({ event: z.literal('superseded'), id: z.int() }),
  /** `fal run` has ended. */
  z.object({ event: z.literal('ended'), code: z.int() }),
]);
export type LoaderEvent = z.output<typeof loaderEvent>;
export type Loaded = Extract<LoaderEvent, { event: 'loaded' }>;

/** What the loader is asked to do. */
export type LoaderOrder =
  | { readonly op: 'serve'; readonly argv: readonly string[] }
  | {
      readonly op: 'load';
      readonly id: number;
      readonly cause: string | null;
      /** Whether runners are to start again, with a new `setup()`, whatever changed. */
      readonly fresh: boolean;
      /** Whether live runners may be patched. */
      readonly swap: boolean;
    }
  /** The emulator has this version now: the next one is compared with it. */
  | { readonly op: 'accepted' | 'refused'; readonly id: number };
