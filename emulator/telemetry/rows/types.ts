import type { LogRow } from '../../wire/log-lines.ts';

/** Which rows of the log a reader wants, and where to begin. */
export interface RowQuery {
  readonly alias?: string;
  readonly runnerId?: string;
  readonly requestId?: string;
  readonly minLevel?: LogRow['level'];
  /** Whether lines of the platform about runners are wanted even if they are below `minLevel`. */
  readonly platform?: boolean;
  /** A part of the message. */
  readonly text?: string;
  /** Source of a JavaScript regular expression that the message matches. */
  readonly regexp?: string;
  /** Whether `text` and `regexp` distinguish upper and lower case. */
  readonly matchCase: boolean;
  /** Whether lines of a runner's web server are wanted. */
  readonly server: boolean;
  /** `before`: the newest rows that are older than this number. `after`: the oldest rows that are newer. */
  readonly from: { readonly before: number } | { readonly after: number };
  readonly limit: number;
}

/** A page as JSON text (`logPageSchema`), and what the emulator itself has to know of it. */
export interface RowPage {
  readonly json: string;
  readonly count: number;
  /** Where the next page begins; `null`: there are no older rows. */
  readonly next: number | null;
  /** Rows that the reader expected were dropped, because the log is limited in size, or were never there. */
  readonly missed: boolean;
  /** Whether everything up to the end was examined. */
  readonly isEnd: boolean;
}
