import { stringOf } from '../python-code/literal.ts';
import { textOf } from '../python-code/tree.ts';
import { type AppCode, type CheckedCode, settingOf } from './app-code.ts';
import type { CheckFacts } from './facts.ts';
import type { Finding } from './finding.ts';
import { stringsIn } from './settings.ts';

/** A requirement as pip reads it. */
interface Requirement {
  /** Normalised: lower case, `-` between words. `undefined`: a path, an address or an option. */
  readonly name: string | undefined;
  readonly extras: string;
  readonly versions: string;
  /** With its `;`. */
  readonly marker: string;
}

function readRequirement(text: string): Requirement {
  const [, name, extras = '', versions = '', marker = ''] =
    /^\s*([A-Za-z0-9][\w.-]*)\s*(\[[^\]]*\])?\s*((?:[=<>!~(]|@)[^;]*)?(;.*)?$/.exec(text) ?? [];
  return { name: name === undefined ? undefined : normalised(name), extras, versions: versions.trim(), marker };
}

function normalised(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}

/** Nothing keeps the next build from another version: no `==`, no upper bound, no address. */
function isOpen({ name, versions }: Requirement): boolean {
  return name !== undefined && !/==|~=|<|@/.test(versions);
}

/** Requirements that another build may get in another version. */
export function requirementFindings(
  { source }: CheckedCode,
  app: AppCode,
  { versionOf }: CheckFacts,
): readonly Finding[] {
  const value = settingOf(app, 'requirements')?.value;
  return (value ? stringsIn(value) : []).flatMap((node): readonly Finding[] => {
    const { from, to } = node;
    const text = textOf(source, node);
    const written = stringOf(text);
    const requirement = readRequirement(written ?? '');
    const { name, extras, marker } = requirement;
    if (written === undefined || name === undefined || !isOpen(requirement)) return [];
    const version = versionOf?.(name);
    const shown = /^\s*[\w.-]+/.exec(written)?.[0].trim() ?? name;
    const pinned = `${shown}${extras}==${version}${marker === '' ? '' : ` ${marker}`}`;
    // Another quote in a marker would end the string.
    const isPlain = /^("[^"\\]*"|'[^'\\]*')$/.test(text);
    const quote = text[0] ?? '"';
    return [
      {
        code: 'unpinned-requirement',
        message:
          `The requirement ${shown} has no fixed version: the next build may get another one, and behave ` +
          `differently. Write \`${shown}==…\`.`,
        from,
        to,
        fixes:
          version === undefined || !isPlain
            ? []
            : [{ title: `Pin ${shown} to ${version}`, edits: [{ from, to, text: `${quote}${pinned}${quote}` }] }],
      },
    ];
  });
}
