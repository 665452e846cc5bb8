import * as z from 'zod';
import type { FailedCommand } from '../problem.ts';
import type { ExceptionRow, LiveState } from '../target/live.ts';
import { type ReloadError, reloadErrors } from '../target/reload.ts';
import { createCodeTimes } from './code-times.ts';
import { afterEdit, type LineEdit } from './edits.ts';
import { commandFinding, type Finding, findingOf, lineIn, notOfApps, reloadFinding } from './findings.ts';
import type { AppCode, Workspace } from './runner-paths.ts';

/** More problems of one file hide the others. */
const maxInFile = 20;
const serving = new Set(['IDLE', 'RUNNING']);

/** What the emulator doesn't know about the problems. Text and numbers, so that a window can store it. */
const storedSchema = z.object({
  settled: z.array(z.string()),
  commands: z.array(
    z.object({
      id: z.string(),
      at: z.number(),
      place: z.object({ file: z.string(), line: z.int() }),
      text: z.string().optional(),
      message: z.string(),
      source: z.string(),
      files: z.array(z.string()),
    }),
  ),
});
export type StoredProblems = z.infer<typeof storedSchema>;

/**
 * What is wrong now, and where. An exception is shown as long as the emulator has it, and until its line is edited.
 * What the emulator can't see succeed (a command, a run that has ended) is shown until the app succeeds.
 */
export function createProblemList() {
  /** By id, moved along with edits. */
  const shown = new Map<string, Finding>();
  /** Ids of exceptions that the emulator still has, and that an edit or a success has settled. */
  const settled = new Set<string>();
  /** Ids of exceptions without a line in the workspace. */
  const elsewhere = new Set<string>();
  const codeTimes = createCodeTimes();
  let before: LiveState | undefined;

  const idOf = (row: ExceptionRow | ReloadError) => `${'key' in row ? row.key : `reload ${row.alias}`}@${row.at}`;

  function codeAt({ alias, revision, at, runner }: ExceptionRow, live: LiveState): number {
    return codeTimes.of({ alias, revision, at, runnerId: runner?.id ?? null, startedAt: runner?.startedAt }, live);
  }

  function settle(id: string): void {
    const finding = shown.get(id);
    // Nothing reports the failure of a command again.
    if (finding && !finding.isCommand) settled.add(id);
    shown.delete(id);
  }

  /** What the emulator doesn't end by itself. */
  const isUnowned = ({ alias }: Finding, live: LiveState) => alias === undefined || !live.apps.has(alias);

  function settleSuccesses(live: LiveState, apps: readonly AppCode[], now: number): void {
    const open = [...shown.values()].filter((finding) => isUnowned(finding, live));
    if (open.length === 0) return;
    for (const { file, at } of successes(live, before, apps, now)) {
      for (const finding of open) if (finding.at < at && finding.files.includes(file)) settle(finding.id);
    }
  }

  /** @returns whether anything has moved or is gone */
  function followEdit(edit: LineEdit, isRight: (id: string) => boolean): boolean {
    let hasChanged = false;
    for (const [id, finding] of shown) {
      const after = isRight(id) ? finding : afterEdit(finding, edit);
      if (after === finding) continue;
      hasChanged = true;
      if (after) shown.set(id, after);
      else settle(id);
    }
    return hasChanged;
  }

  /** The problems of the same line. */
  function withSameLine(id: string): readonly Finding[] {
    const at = shown.get(id)?.place;
    return [...shown.values()].filter(({ place }) => place.file === at?.file && place.line === at.line);
  }

  return {
    /** `undefined`: nothing that the emulator doesn't know. */
    stored(): StoredProblems | undefined {
      const commands = [...shown.values()]
        .filter(({ isCommand }) => isCommand)
        .map(({ id, at, place, text, message, source, files }) => {
          return { id, at, place, text, message, source, files: [...files] };
        });
      return settled.size + commands.length > 0 ? { settled: [...settled], commands } : undefined;
    },
    /** Takes over what `stored` returned before a reload. Anything else is ignored. */
    restore(stored: unknown, { has, read }: Workspace): void {
      const { data } = storedSchema.safeParse(stored);
      for (const id of data?.settled ?? []) settled.add(id);
      for (const { text, ...command } of data?.commands ?? []) {
        const { file, line } = command.place;
        if (!has(file) || lineIn(read(file), line) !== text) continue;
        shown.set(command.id, { ...notOfApps, ...command, text });
      }
    },
    /** Ends the problem and the others of its line, until the same happens again. @returns whether it was there */
    clear(id: string): boolean {
      const cleared = withSameLine(id);
      for (const finding of cleared) settle(finding.id);
      return cleared.length > 0;
    },
    /** Takes over the emulator's state. `now` in milliseconds since the epoch. */
    update(live: LiveState, workspace: Workspace, now: number): void {
      codeTimes.note(live);
      const failures: readonly (ExceptionRow | ReloadError)[] = [...live.exceptions.values(), ...reloadErrors(live)];
      const rows = new Map(failures.map((row) => [idOf(row), row]));
      for (const [id, { isCommand }] of shown) if (!rows.has(id) && !isCommand) shown.delete(id);
      for (const known of [settled, elsewhere]) for (const id of known) if (!rows.has(id)) known.delete(id);
      for (const [id, row] of rows) {
        if (shown.has(id) || settled.has(id) || elsewhere.has(id)) continue;
        const finding =
          'exception' in row ? findingOf(row, workspace, codeAt(row, live)) : reloadFinding(id, row, workspace);
        if (finding) shown.set(id, finding);
        else elsewhere.add(id);
      }
      settleSuccesses(live, workspace.apps, now);
      before = live;
    },
    /** The apps of the workspace or their aliases have changed, so exceptions may have got a line. */
    lookAgain: () => elsewhere.clear(),
    /** Whether any of the problems ends with a success that only a state without its exception shows. */
    waitsForSuccess: (live: LiveState) => [...shown.values()].some((finding) => isUnowned(finding, live)),
    /** Replaces what the last command of the same app has shown. */
    failed(failed: FailedCommand, workspace: Workspace): void {
      for (const [id, { isCommand }] of shown) {
        if (isCommand && id.startsWith(`command ${failed.key}@`)) shown.delete(id);
      }
      const finding = commandFinding(failed, workspace);
      if (finding) shown.set(finding.id, finding);
    },
    /** @returns whether anything has moved or is gone */
    edited: (edit: LineEdit) => followEdit(edit, () => false),
    /**
     * An editor has read a file again that another program changed. The emulator may have read it before: its problems
     * are about the new lines already. @returns whether anything has moved or is gone
     */
    reread(file: string, text: string, edits: readonly LineEdit[]): boolean {
      const isThere = ({ place, text: before }: Finding) => place.file === file && lineIn(text, place.line) === before;
      const right = new Set([...shown].filter(([, finding]) => isThere(finding)).map(([id]) => id));
      return edits.map((edit) => followEdit(edit, (id) => right.has(id))).includes(true);
    },
    /** Another program changed a file, or deleted it (`undefined`). @returns whether anything is gone */
    rewritten(file: string, text: string | undefined): boolean {
      const gone = [...shown.values()].filter(
        ({ place, text: before }) => place.file === file && lineIn(text, place.line) !== before,
      );
      for (const { id } of gone) settle(id);
      return gone.length > 0;
    },
    /** By file: the newest, and of those in one line what the emulator knows, because it knows more. */
    byFile(): ReadonlyMap<string, readonly Finding[]> {
      const files = new Map<string, Map<number, Finding>>();
      const rank = ({ isCommand, at }: Finding) => (isCommand ? 0 : at);
      for (const finding of [...shown.values()].sort((a, b) => rank(b) - rank(a))) {
        const { file, line } = finding.place;
        const lines = files.get(file) ?? new Map<number, Finding>();
        files.set(file, lines);
        if (!lines.has(line) && lines.size < maxInFile) lines.set(line, finding);
      }
      return new Map([...files].map(([file, lines]) => [file, [...lines.values()]]));
    },
  };
}

/** The apps of files that were deployed now, or that have runners that are ready, with the time of their start. */
function successes(live: LiveState, before: LiveState | undefined, apps: readonly AppCode[], now: number) {
  return apps.flatMap(({ path: file, aliases }) =>
    aliases.flatMap((alias) => {
      const revision = live.apps.get(alias)?.revision;
      const isNew = before !== undefined && revision !== undefined && before.apps.get(alias)?.revision !== revision;
      const isDeploy = isNew && revision !== alias;
      const starts = [...live.runners.values()]
        .filter((runner) => runner.alias === alias && serving.has(runner.state))
        .map(({ startedAt }) => ({ file, at: startedAt }));
      return [...(isDeploy ? [{ file, at: now }] : []), ...starts];
    }),
  );
}
