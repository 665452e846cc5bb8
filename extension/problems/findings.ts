import type { FailedCommand, Place } from '../problem.ts';
import { importLine, requirementLine } from '../process/code-lines.ts';
import { missingModule, requirementIn } from '../process/failure.ts';
import type { ExceptionRow } from '../target/live.ts';
import type { ReloadError } from '../target/reload.ts';
import { t } from '../words.ts';
import { appsFor, type Workspace, workspaceFile } from './runner-paths.ts';

/** A failure and its line in the workspace. */
export interface Finding {
  /** The failure that it is about: another one of the same endpoint, start or command has another id. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly place: Place;
  /** The text of the line, to notice an edit by another program. */
  readonly text: string | undefined;
  readonly message: string;
  /** Where that line was called from, the nearest caller first. */
  readonly callers: readonly (Place & { readonly text: string })[];
  /** What failed, in a word or two: `request #38`. */
  readonly source: string;
  /** The emulator doesn't know about it. */
  readonly isCommand: boolean;
  readonly alias: string | undefined;
  readonly request: Pick<NonNullable<ExceptionRow['request']>, 'number' | 'id' | 'kind'> | undefined;
  readonly runner: { readonly number: number; readonly id: string } | undefined;
  /** Files whose next success ends it, if the platform doesn't say when. */
  readonly files: readonly string[];
}

/** What a failed command's finding doesn't have. */
export const notOfApps = {
  callers: [],
  isCommand: true,
  alias: undefined,
  request: undefined,
  runner: undefined,
} as const satisfies Partial<Finding>;

const maxMessage = 1_000;

/**
 * The finding of an exception; `undefined`: no line of the workspace has to do with it. Pure but for the workspace.
 * @param codeAt when the code that raised it was loaded, in milliseconds since the epoch
 */
export function findingOf(
  row: ExceptionRow,
  workspace: Workspace,
  codeAt = row.runner?.startedAt ?? row.at,
): Finding | undefined {
  const { key, alias, at, exception, request, runner } = row;
  const frames = exception.frames.flatMap(({ file, line, function: name }) => {
    const path = line > 0 ? workspaceFile(file, alias, workspace) : undefined;
    return path === undefined ? [] : [{ file: path, line, text: t('called from {0}', name) }];
  });
  const [innermost, ...callers] = frames.toReversed();
  const found = innermost ?? lineWithoutFrames(row, workspace);
  if (!found) return undefined;
  const message = cut(messageOf(row));
  const who = runner ? t('runner {0}', runner.number) : '';
  // The line may be another one in the code that runs.
  const isOld = innermost !== undefined && runner !== null && workspace.changedAt(found.file) > codeAt;
  return {
    id: `${key}@${at}`,
    at,
    place: { file: found.file, line: found.line },
    text: lineIn(workspace.read(found.file), found.line),
    message: isOld ? t('{0} (the file has changed since {1} started)', message, who) : message,
    callers,
    source: request ? t('request #{0}', request.number) : runner ? who : t('build'),
    isCommand: false,
    alias,
    request: request ?? undefined,
    runner: runner ?? undefined,
    files: [...new Set([found.file, ...callers.map(({ file }) => file), ...('app' in found ? [found.app] : [])])],
  };
}

/** The finding of a failed command; `undefined`: its line isn't the workspace's. */
export function commandFinding(failed: FailedCommand, { has, read }: Workspace): Finding | undefined {
  const { command, key, file, at, reason, place } = failed;
  if (!has(place.file)) return undefined;
  return {
    ...notOfApps,
    id: `command ${key}@${at}`,
    at,
    place,
    text: lineIn(read(place.file), place.line),
    // Its end is for a message that has no line of its own.
    message: cut(reason.replace(/ \((?:[^()]|\([^()]*\))+:\d+\)$/, '')),
    source: command,
    files: [...new Set([place.file, file])],
  };
}

/** The finding of a save that can't be imported, until a later one can; `undefined`: its line isn't the workspace's. */
export function reloadFinding(
  id: string,
  { alias, at, type, message, file, line }: ReloadError,
  { has, read }: Workspace,
): Finding | undefined {
  if (!has(file)) return undefined;
  return {
    ...notOfApps,
    id,
    at,
    place: { file, line },
    text: lineIn(read(file), line),
    message: t('{0} (not reloaded: the old code still answers)', cut(message === '' ? type : `${type}: ${message}`)),
    source: t('reload'),
    isCommand: false,
    alias,
    files: [file],
  };
}

function messageOf({ exception: { type, message, phase } }: ExceptionRow): string {
  if (phase === 'build') return requirementIn(message.replaceAll(/\s+/g, ' '))?.reason ?? message;
  return message === '' ? type : `${type}: ${message}`;
}

/** A module that is missing in the runner, and a requirement, have no frame: the code that names them is the line. */
function lineWithoutFrames(
  { alias, exception: { phase, message, requirement } }: ExceptionRow,
  { apps, read }: Workspace,
): (Place & { readonly app: string }) | undefined {
  const module = missingModule(message);
  const find = (text: string): number | undefined => {
    if (phase === 'build') return requirement === undefined ? undefined : requirementLine(text, requirement);
    return module === undefined ? undefined : importLine(text, module);
  };
  for (const { path, project } of appsFor(alias, apps)) {
    for (const file of phase === 'build' && project !== undefined ? [path, project] : [path]) {
      const line = find(read(file) ?? '');
      if (line !== undefined) return { file, line, app: path };
    }
  }
  return undefined;
}

/** A line, from 1, of a text. */
export function lineIn(text: string | undefined, line: number): string | undefined {
  return text?.split(/\r?\n/, line)[line - 1];
}

function cut(text: string): string {
  return text.length > maxMessage ? `${text.slice(0, maxMessage - 1)}…` : text;
}
