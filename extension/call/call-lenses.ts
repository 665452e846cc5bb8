import type { CommandName } from '../contributes/commands.ts';
import { t } from '../words.ts';
import { appOf, type CallAddress } from './address.ts';
import { kindOf, type Medium } from './media.ts';
import { type ProgramKind, programKinds } from './programs.ts';

/** A lens in the first line of a document about a call. */
export interface CallLens {
  readonly title: string;
  /** Absent: only text. */
  readonly command?: CommandName;
  readonly argument?: CallArgument;
}

/** What the commands of these lenses get. */
export interface CallArgument {
  /** The URI of the document. */
  readonly document: string;
  readonly program?: ProgramKind;
  /** A file of the answer. */
  readonly url?: string;
}

/**
 * The lenses of a request document. Their number doesn't depend on its state. Pure.
 * @param isFile it is a file of the workspace
 * @param isReading its text waits for the schema of the app
 */
export function requestLenses(
  document: string,
  address: CallAddress,
  {
    isRunning,
    isFile,
    isReading,
  }: { readonly isRunning: boolean; readonly isFile: boolean; readonly isReading: boolean },
): readonly CallLens[] {
  const argument = { document };
  return [
    isRunning
      ? { title: t('Cancel'), command: 'cancelCall', argument }
      : { title: t('Send'), command: 'sendCall', argument },
    { title: t('Send to Queue'), command: 'queueCall', argument },
    ...programKinds.map((program, index) => ({
      title: index === 0 ? t('Copy as {0}', program) : program,
      command: 'copyCall' as const,
      argument: { document, program },
    })),
    ...(isFile ? [] : [{ title: t('Save Request'), command: 'saveCall' as const, argument }]),
    {
      title: isReading
        ? t("{0} of {1} (local), reading the app's schema…", address.path, appOf(address))
        : t('{0} of {1} (local)', address.path, appOf(address)),
    },
  ];
}

/** The lenses of an answer: first what came of the call. Pure. */
export function answerLenses(
  document: string,
  answer: {
    readonly head: string;
    readonly isRunning: boolean;
    readonly requestId: string | null;
    readonly media: readonly Pick<Medium, 'name'>[];
  },
): readonly CallLens[] {
  const argument = { document };
  const { head, isRunning, requestId, media } = answer;
  if (isRunning) return [{ title: head }, { title: t('Cancel'), command: 'cancelCall', argument }];
  return [
    { title: head },
    ...(requestId === null ? [] : [{ title: t('Log'), command: 'showCallLog' as const, argument }]),
    { title: t('Replay'), command: 'replayCall', argument },
    { title: t('Save Request'), command: 'saveCall', argument },
    ...(media.length === 0 ? [] : [{ title: openTitle(media), command: 'openResult' as const, argument }]),
  ];
}

function openTitle(media: readonly Pick<Medium, 'name'>[]): string {
  const [kind, ...others] = new Set(media.map(({ name }) => kindOf(name)));
  const count = media.length;
  if (kind === 'image' && others.length === 0) return count === 1 ? t('Open Image') : t('Open Image ({0})', count);
  if (kind === 'audio' && others.length === 0) return count === 1 ? t('Open Audio') : t('Open Audio ({0})', count);
  if (kind === 'video' && others.length === 0) return count === 1 ? t('Open Video') : t('Open Video ({0})', count);
  return count === 1 ? t('Open File') : t('Open File ({0})', count);
}
