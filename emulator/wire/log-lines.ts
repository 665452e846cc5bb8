import * as z from 'zod';

/** Where code is: a path as the developer or the runner (`/app/…`) knows it, and a line from 1. */
const codePlaceSchema = z.object({ file: z.string(), line: z.int() });
export type CodePlace = z.infer<typeof codePlaceSchema>;

/** Where a line was written. `continues`: at once with the line that its code wrote before it, as one text. */
export const linePlaceSchema = codePlaceSchema.extend({ continues: z.literal(true).exactOptional() });
export type LinePlace = z.infer<typeof linePlaceSchema>;

/**
 * When an exception occurred: in a request, while the app started or ended, or while its code was loaded. `build`: its
 * requirements can't be installed; it has no frames then.
 */
const exceptionPhases = ['request', 'setup', 'teardown', 'import', 'build'] as const;

const frameSchema = z.object({
  ...codePlaceSchema.shape,
  function: z.string(),
  /** The app's own code, not a library's. */
  isApp: z.boolean(),
});

/**
 * An exception of an app's code. `frames`: outermost first; of a long traceback the last frames of the app and the
 * last of all.
 */
export const exceptionSchema = z.object({
  type: z.string(),
  message: z.string(),
  phase: z.enum(exceptionPhases),
  frames: z.array(frameSchema),
  /** Of a build: the requirement that can't be installed, as it is in the app's code. */
  requirement: z.string().exactOptional(),
});
export type RunnerException = z.infer<typeof exceptionSchema>;

/** The frame to show: the app's innermost one; `null`: no frame is the app's. */
export function appFrame({ frames }: RunnerException): RunnerException['frames'][number] | null {
  return frames.findLast(({ isApp }) => isApp) ?? null;
}

const logLevels = ['TRACE', 'DEBUG', 'INFO', 'WARNING', 'ERROR', 'STDOUT', 'STDERR'] as const;

/** A row of the log: a line, or an exception as data (then `message` is its type and text). */
const logRowSchema = z.object({
  /** Increases with each row of the log; the cursor. */
  seq: z.int(),
  /** Milliseconds since the epoch. */
  at: z.number(),
  level: z.enum(logLevels),
  /** `BUILDER`: of a build. `BRIDGE`: of the platform, about a runner. `USER`: written by a runner. */
  source: z.enum(['BUILDER', 'BRIDGE', 'USER']),
  stream: z.enum(['stdout', 'stderr']).nullable(),
  message: z.string(),
  alias: z.string(),
  revision: z.string().nullable(),
  runnerId: z.string().nullable(),
  requestId: z.string().nullable(),
  endpoint: z.string().nullable(),
  /** The runner's web server wrote it: its access log, its start and end, its text of an unhandled exception. */
  isServer: z.boolean(),
  /** Where a Python runner printed or logged it; `null`: unknown, or nobody asked for places at that time. */
  place: linePlaceSchema.nullable(),
  exception: exceptionSchema.nullable(),
});
export type LogRow = z.infer<typeof logRowSchema>;

/** The answer of `GET /minifal/logs`, and the data of each event of `GET /minifal/logs/follow`. */
export const logPageSchema = z.object({
  /** By `seq`, whether the page was read forwards or backwards. */
  lines: z.array(logRowSchema),
  /**
   * Where to continue: `before` this number when the page was read backwards, otherwise `after` it. `null`: there are
   * no older rows. A page is returned after a quarter of a second in any case, so it may have few rows or none although
   * older ones match.
   */
  next: z.int().nullable(),
  /** Rows between `after` and the first of these no longer exist: the log is limited in size, or was deleted. */
  missed: z.boolean(),
});
export type LogPage = z.infer<typeof logPageSchema>;

const count = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/**
 * The parameters of `GET /minifal/logs` and `GET /minifal/logs/follow`. All filters must hold. Without `before` and
 * `after`, a page has the newest rows, and a stream begins with the next row.
 */
export const logQuerySchema = z.object({
  alias: z.string().exactOptional(),
  runner: z.string().exactOptional(),
  request: z.string().exactOptional(),
  /** At least this level; lines without a level count as INFO. */
  level: z.enum(logLevels).exactOptional(),
  /** A part of the message. */
  text: z.string().min(1).max(1_000).exactOptional(),
  /** A JavaScript regular expression that the message matches. */
  regexp: z.string().min(1).max(1_000).refine(isRegExp, 'is not a regular expression').exactOptional(),
  /** Whether `text` and `regexp` distinguish upper and lower case. */
  matchCase: z.stringbool().default(false),
  /** Whether rows with `isServer` are included. */
  server: z.stringbool().default(true),
  /** Whether lines of the platform about runners (`BRIDGE`) are included whatever their level is. */
  platform: z.stringbool().default(false),
  /** Rows older than this number, the newest of them. */
  before: count.exactOptional(),
  /** Rows newer than this number, the oldest of them. */
  after: count.exactOptional(),
  /** Of a stream: while it is open, runners note where lines are printed (`place`), which costs them a little time. */
  places: z.stringbool().default(false),
  /**
   * Of a stream: a quarter of a second passes between its events, and if more than `limit` rows have come by then, only
   * the newest of them are sent, in an event `newest`. For readers to whom the latest rows matter, not each of them.
   */
  newest: z.stringbool().default(false),
  limit: z.coerce.number().int().min(1).max(1_000).default(200),
});

function isRegExp(source: string): boolean {
  try {
    new RegExp(source);
    return true;
  } catch {
    return false;
  }
}

/** The exception that ended a request or a runner's start, in short. */
export const exceptionFactsSchema = z.object({
  type: z.string(),
  message: z.string(),
  /** The app's innermost frame; `null`: no frame is the app's. */
  file: z.string().nullable(),
  line: z.int().nullable(),
});
export type ExceptionFacts = z.infer<typeof exceptionFactsSchema>;

export function factsOf(exception: RunnerException): ExceptionFacts {
  const frame = appFrame(exception);
  return {
    type: exception.type,
    message: exception.message,
    file: frame?.file ?? null,
    line: frame?.line ?? null,
  };
}
