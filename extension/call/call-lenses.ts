import type { CommandName } from '../contributes/commands.ts';
import { t } from '../words.ts';
import { appOf, type CallAddress } from './address.ts';
import { kindOf, type Medium } from './media.ts';
import { type ProgramKind, programKinds } from './programs.ts';

/** A lens at the beginning of a document about a call. */
export interface CallLens {
  readonly title: string;
  /** Above the second line: in two columns, a line has room for about sixty characters. */
  readonly isSecond?: true;
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
    {
      title: isReading
        ? t("{0} of {1} (local), reading the app's schema…", address.path, appOf(address))
        : t('{0} of {1} (local)', address.path, appOf(address)),
    },
    ...[
      ...programKinds.map((program, index) => ({
        title: index === 0 ? t('Copy as {0}', program) : program,
        command: 'copyCall' as const,
        argument: { document, program },
      })),
      ...(isFile ? [] : [{ title: t('Save Request'), command: 'saveCall' as const, argument }]),
    ].map((lens) => ({ ...lens, isSecond: true as const })),
  ];
}

/** The lenses of an answer: what came of the call, actions, and the long part of what came of it. Pure. */
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
  const { isRunning, requestId, media } = answer;
  const [head, more] = halves(answer.head);
  if (isRunning) return [{ title: head }, { title: t('Cancel'), command: 'cancelCall', argument }, ...more];
  return [
    { title: head },
    ...(requestId === null ? [] : [{ title: t('Log'), command: 'showCallLog' as const, argument }]),
    { title: t('Replay'), command: 'replayCall', argument },
    { title: t('Save Request'), command: 'saveCall', argument },
    ...(media.length === 0 ? [] : [{ title: openTitle(media), command: 'openResult' as const, argument }]),
    ...more,
  ];
}

/** In two columns, an answer's line has room for about sixty characters, of which the actions take half. */
const maxHead = 32;
const maxPart = 16;

/** What is in front of the actions, and what follows them because it would move them out of sight. */
function halves(head: string): readonly [head: string, more: readonly CallLens[]] {
  if (head.length <= maxHead) return [head, []];
  const [first = '', ...others] = head.split(' · ');
  const isShort = (part: string) => part.length <= maxPart;
  const cut = first.length > maxHead ? `${first.slice(0, maxHead - 1).trimEnd()}…` : first;
  const more = [...(cut === first ? [] : [first]), ...others.filter((part) => !isShort(part))];
  return [[cut, ...others.filter(isShort)].join(' · '), more.length === 0 ? [] : [{ title: more.join(' · ') }]];
}

function openTitle(media: readonly Pick<Medium, 'name'>[]): string {
  const [kind, ...others] = new Set(media.map(({ name }) => kindOf(name)));
  const count = media.length;
  if (kind === 'image' && others.length === 0) return count === 1 ? t('Open Image') : t('Open Image ({0})', count);
  if (kind === 'audio' && others.length === 0) return count === 1 ? t('Open Audio') : t('Open Audio ({0})', count);
  if (kind === 'video' && others.length === 0) return count === 1 ? t('Open Video') : t('Open Video ({0})', count);
  return count === 1 ? t('Open File') : t('Open File ({0})', count);
}
