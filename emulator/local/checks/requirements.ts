import type { SyntaxNode } from '@lezer/common';
import { stringOf } from '../python-code/literal.ts';
import { textOf } from '../python-code/tree.ts';
import { type AppCode, type CheckedCode, settingOf } from './app-code.ts';
import type { CheckFacts, Packages } from './facts.ts';
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

export function readRequirement(text: string): Requirement {
  const [, name, extras = '', versions = '', marker = ''] =
    /^([A-Za-z0-9][\w.-]*)(?:\s*(\[[^\]]*\]))?(?:\s*([=<>!~(@][^;]*))?(?:\s*(;.*))?$/.exec(text.trim()) ?? [];
  return { name: name === undefined ? undefined : normalised(name), extras, versions: versions.trim(), marker };
}

function normalised(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}

/** Nothing keeps the next build from another version: no `==`, no upper bound, no address, no file of a package. */
function isOpen({ name, versions }: Requirement): boolean {
  return name !== undefined && !/==|~=|<|@/.test(versions) && !/-(whl|gz|zip)$/.test(name);
}

/** Options of pip whose value may be an item of its own. */
const withValue = /^(-[rcfie]|--(requirement|constraint|find-links|index-url|extra-index-url|editable|trusted-host))$/;

/** The requirements of an app, without options and their values. */
function requirementNodes({ source }: CheckedCode, app: AppCode): readonly SyntaxNode[] {
  const value = settingOf(app, 'requirements')?.value;
  const nodes = value ? stringsIn(value) : [];
  return nodes.filter((_, index) => {
    const before = nodes[index - 1];
    return !before || !withValue.test(stringOf(textOf(source, before)) ?? '');
  });
}

/** The newest environment that has all that the app requires: the one that was built for it, or one like it. */
export function builtFor(code: CheckedCode, app: AppCode, facts: CheckFacts): Packages | undefined {
  const names = requirementNodes(code, app).flatMap(
    (node) => readRequirement(stringOf(textOf(code.source, node)) ?? '').name ?? [],
  );
  return facts.environments?.().find((packages) => names.every((name) => packages.has(name)));
}

/** Requirements that another build may get in another version. */
export function requirementFindings(code: CheckedCode, app: AppCode, facts: CheckFacts): readonly Finding[] {
  // Read from disk, so only if something has to be said.
  let built: Packages | undefined | null = null;
  const versionOf = (name: string) => {
    if (built === null) built = builtFor(code, app, facts);
    return built?.get(name);
  };
  return requirementNodes(code, app).flatMap((node): readonly Finding[] => {
    const { from, to } = node;
    const text = textOf(code.source, node);
    const written = stringOf(text);
    const requirement = readRequirement(written ?? '');
    const { name, extras, marker } = requirement;
    if (written === undefined || name === undefined || !isOpen(requirement)) return [];
    const version = versionOf(name);
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
