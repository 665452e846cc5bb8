import * as z from 'zod/mini';

/**
 * What the log page and its host say to each other: two unions, parsed on arrival. The page is only ever a view: it
 * sends `ready`, asks for rows by their sequence numbers (the cursor), and can be thrown away at any time: the host
 * keeps what it sent with `left`. `query` numbers what the page asked for; answers to an older query are dropped.
 *
 * The host (`extension/logs/page-host.ts`) runs in VS Code's extension host, or in the page's own document in a browser
 * (`webview/browser/`).
 */

const seq = z.int();

const placeSchema = z.object({
  file: z.string(),
  line: z.int(),
  /** `app.py:38`. */
  label: z.string(),
});
export type Place = z.infer<typeof placeSchema>;

const detailSchema = z.object({ text: z.string(), place: z.nullable(placeSchema), isApp: z.boolean() });
export type Detail = z.infer<typeof detailSchema>;

/** A row, ready to be drawn: plain text of one line, without control characters, and of limited length. */
const rowSchema = z.object({
  seq,
  /** Milliseconds since the epoch. */
  at: z.number(),
  /** `mark`: a line across the list, such as a runner that started. */
  kind: z.enum(['line', 'warning', 'error', 'platform', 'mark']),
  text: z.string(),
  alias: z.string(),
  runnerId: z.nullable(z.string()),
  requestId: z.nullable(z.string()),
  /** `setup` before a runner is ready, `build` of an environment; empty: neither, or a request's. */
  phase: z.enum(['', 'setup', 'build']),
  place: z.nullable(placeSchema),
  /** What unfolds under it: frames of a traceback, further lines. */
  details: z.readonly(z.array(detailSchema)),
});
export type Row = z.infer<typeof rowSchema>;

/** An event that isn't in the emulator's log, because the emulator had ended: shown between rows, by its time. */
export const markSchema = z.object({ at: z.number(), text: z.string() });
export type Mark = z.infer<typeof markSchema>;

export const levels = ['all', 'info', 'warning', 'error'] as const;

const filterSchema = z.object({
  alias: z.nullable(z.string()),
  runnerId: z.nullable(z.string()),
  requestId: z.nullable(z.string()),
  level: z.enum(levels),
  /** A part of the text; between slashes, a regular expression. */
  text: z.string(),
  /** With lines of runners' web servers. */
  server: z.boolean(),
});
export type Filter = z.infer<typeof filterSchema>;

export const noFilter: Filter = {
  alias: null,
  runnerId: null,
  requestId: null,
  level: 'info',
  text: '',
  server: false,
};

/** How a page was left: the next one begins with it. */
const leftSchema = z.object({
  filter: filterSchema,
  isWrapped: z.boolean(),
  /** The first visible row; `null`: the page follows the end. */
  at: z.nullable(seq),
});
export type Left = z.infer<typeof leftSchema>;

const choiceSchema = z.object({ id: z.string(), label: z.string() });

const choicesSchema = z.object({
  apps: z.readonly(z.array(choiceSchema)),
  /** Of the filter's app, or of all. */
  runners: z.readonly(z.array(choiceSchema)),
  requests: z.readonly(z.array(choiceSchema)),
});
export type Choices = z.infer<typeof choicesSchema>;

/** The words of the page, which come from the host: it knows the language. `{0}` is replaced. */
const textNames = [
  ...(['app', 'allApps', 'runner', 'allRunners', 'request', 'allRequests', 'level', 'filter', 'filterHint'] as const),
  ...(['clearFilter', 'levelAll', 'levelInfo', 'levelWarning', 'levelError', 'lines', 'lineCount', 'oneLine'] as const),
  ...(['newLines', 'oneNewLine', 'toEnd', 'searching', 'noLines', 'noMatches', 'missed', 'startEmulator'] as const),
  ...(['setup', 'build', 'traceback', 'noMoreErrors', 'copied', 'openPlace', 'openRequest'] as const),
] as const;
export type TextName = (typeof textNames)[number];
export type Texts = Readonly<Record<TextName, string>>;

/** Commands of the host, such as buttons of the view's title and keys. */
const actions = ['find', 'wrap', 'copy', 'export', 'server', 'clearFilter', 'nextError', 'previousError'] as const;
export type PageAction = (typeof actions)[number];

/** Numbers for people of runners and requests, by their ids. */
const numbersSchema = z.object({
  runners: z.record(z.string(), z.int()),
  requests: z.record(z.string(), z.int()),
});
export type Numbers = z.infer<typeof numbersSchema>;

const hostMessageSchema = z.discriminatedUnion('type', [
  /** The answer to `ready`. `isJump`: the row `left.at` is selected. */
  z.object({
    type: z.literal('start'),
    texts: z.record(z.enum(textNames), z.string()),
    left: leftSchema,
    isJump: z.boolean(),
  }),
  /** `at`: this row is selected; `null`: the page follows the end. */
  z.object({ type: z.literal('filter'), filter: filterSchema, at: z.nullable(seq) }),
  z.object({
    type: z.literal('rows'),
    query: z.int(),
    /** `reset`: in place of all rows. `live`: new ones, at the end of the log. */
    where: z.enum(['reset', 'older', 'newer', 'live']),
    rows: z.readonly(z.array(rowSchema)),
    /** Those of the rows that the host knows. Under load, a message of their own would cost as much as the rows. */
    numbers: numbersSchema,
    /** Where older rows continue; `null`: there are none. Of `reset` and `older`. */
    before: z.nullable(seq),
    /** No row is newer than these. */
    isEnd: z.boolean(),
    /** Rows in front of these were deleted meanwhile. */
    missed: z.boolean(),
    /** More of the same answer follows. */
    isPart: z.boolean(),
  }),
  /** An error was found, or none (`null`). */
  z.object({ type: z.literal('found'), query: z.int(), seq: z.nullable(seq) }),
  z.object({ type: z.literal('marks'), marks: z.readonly(z.array(markSchema)) }),
  /** Those that had to be asked for. Added to those that the page knows. */
  z.object({ type: z.literal('numbers'), numbers: numbersSchema }),
  z.object({ type: z.literal('choices'), choices: choicesSchema }),
  /** Why rows may be missing; `null`: nothing to say. */
  z.object({
    type: z.literal('notice'),
    notice: z.nullable(z.object({ text: z.string(), canStart: z.boolean() })),
  }),
  z.object({ type: z.literal('act'), action: z.enum(actions) }),
]);
export type HostMessage = z.infer<typeof hostMessageSchema>;

const pageMessageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  /** All rows again: those around `at`, or the newest (`null`), which are then followed. */
  z.object({ type: z.literal('query'), query: z.int(), filter: filterSchema, at: z.nullable(seq) }),
  z.object({ type: z.literal('left'), left: leftSchema }),
  z.object({ type: z.literal('more'), query: z.int(), where: z.enum(['older', 'newer']), from: seq }),
  z.object({ type: z.literal('findError'), query: z.int(), where: z.enum(['older', 'newer']), from: seq }),
  z.object({ type: z.literal('openPlace'), place: placeSchema }),
  z.object({ type: z.literal('openRequest'), id: z.string() }),
  z.object({ type: z.literal('copy'), text: z.string() }),
  z.object({ type: z.literal('export') }),
  z.object({ type: z.literal('startEmulator') }),
  z.object({ type: z.literal('leave') }),
]);
export type PageMessage = z.infer<typeof pageMessageSchema>;

/** `undefined`: not a message that this version knows. */
export function parseHostMessage(value: unknown): HostMessage | undefined {
  const { data } = hostMessageSchema.safeParse(value);
  return data;
}

/** `undefined`: not what this version stores. */
export function parseLeft(value: unknown): Left | undefined {
  return leftSchema.safeParse(value).data;
}

/** `undefined`: not a message that this version knows. */
export function parsePageMessage(value: unknown): PageMessage | undefined {
  const { data } = pageMessageSchema.safeParse(value);
  return data;
}
