import { realpathSync } from 'node:fs';
import { sep } from 'node:path';
import { UserError } from '../wire/errors.ts';
import type { HuggingFaceMode, IsolationMode, Missing, Shares } from '../wire/isolation.ts';

/**
 * Refuses shares that would show the data folder to every app: it holds the owner's key, the secrets and all requests.
 * @param folder the data folder; may not exist yet
 * @throws UserError with the next step
 */
export function checkShares(folders: Shares['folders'], folder: string): void {
  const data = real(folder);
  for (const { path } of folders) {
    const shared = real(path);
    if (isAtOrBelow(data, shared) || isAtOrBelow(shared, data)) {
      throw new UserError(
        'SHARE_REFUSED',
        `${path} can't be shared: it overlaps with minifal's data folder (${folder}), with its key and secrets.`,
        'Share the folders that apps need, e.g. --share ~/models, or keep the data elsewhere with --data.',
      );
    }
  }
}

function isAtOrBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

const offer = 'To change this, or to hide this note, use `minifal start --hugging-face read`, `write` or `off`.';

/**
 * What the user should know about what their apps share with this machine, in sentences.
 * @param huggingFace absent: not specified
 * @param cache the folder of the user's models; absent: they have none
 */
export function shareNotes(start: {
  readonly isolation: IsolationMode;
  readonly missing: readonly Missing[];
  readonly folders: Shares['folders'];
  readonly huggingFace: HuggingFaceMode | undefined;
  readonly cache: string | undefined;
}): readonly string[] {
  const { isolation, missing, folders, huggingFace, cache } = start;
  const isOff = isolation === 'off';
  if (!isOff && !missing.some(({ part }) => part === 'disk')) {
    if (huggingFace !== undefined || cache === undefined) return [];
    return [`apps don't see your Hugging Face cache (${cache}) and keep their models in /data. ${offer}`];
  }
  const where = isOff ? 'with --isolation off' : 'without a disk of their own';
  const notes: string[] = [];
  if (isOff)
    notes.push(
      'with --isolation off, what an app installs while it runs (pip) stays in its environment, which all apps with ' +
        'the same requirements use.',
    );
  if (folders.length > 0)
    notes.push(`--share has no effect ${where}: apps already read and write this machine's files directly.`);
  if (huggingFace === 'read' || huggingFace === 'write')
    notes.push(`--hugging-face ${huggingFace} has no effect ${where}: apps keep their models in /data.`);
  return notes;
}
