import type { SyntaxNode } from '@lezer/common';
import { statementsIn } from '../../python-code/statements.ts';
import { readTree } from '../../python-code/tree.ts';
import { type AppCode, type CheckedCode, checkedCode, settingOf } from '../app-code.ts';
import type { CheckFacts } from '../facts.ts';
import type { Finding } from '../finding.ts';
import type { PublicCode } from './codes.ts';
import { modelScope } from './data-models.ts';
import type { PublicFacts } from './facts.ts';
import { schemaFindings } from './schemas.ts';

export type PublicFinding = Finding<PublicCode>;

/**
 * What the apps of a Python file lack before they can be public, in source order. Pure but for `readModule`. Bases of
 * other apps and functions are not looked at.
 */
export function checkPublic(text: string, apps: CheckFacts['apps'], facts: PublicFacts): readonly PublicFinding[] {
  const code = checkedCode(readTree(text), apps);
  const scope = modelScope(code, facts.file, facts.readModule);
  const bases = new Set((apps ?? []).filter(({ isBase }) => isBase).map(({ name }) => name));
  return code.apps
    .filter(({ name }) => !bases.has(name))
    .flatMap((app) => [...appFindings(code, app, facts), ...schemaFindings(code, app, scope)])
    .sort((a, b) => a.from - b.from || a.to - b.to);
}

function appFindings({ source }: CheckedCode, app: AppCode, facts: PublicFacts): readonly PublicFinding[] {
  const { name } = app;
  const { from, to } = app.node.getChild('VariableName') ?? app.node;
  const found = (isLacking: boolean, code: PublicCode, message: string): readonly PublicFinding[] =>
    isLacking ? [{ code, message, from, to, fixes: [] }] : [];
  const own = settingOf(app, 'app_auth');
  // What is computed, or in another class, may be right.
  const auth = facts.auth(name) ?? (own === undefined && app.isDirect ? 'private' : own?.literal);
  const root = app.methods.find(({ endpoint }) => endpoint?.path === '/');
  return [
    ...found(
      auth === 'private',
      'public-auth',
      `${name} is private, so only your account can call it. Set app_auth to "shared": callers use their own keys, ` +
        'and pay for what they use.',
    ),
    ...found(
      auth !== 'public' && !/x-fal-billable-units|\bbilling\s*=/i.test(source.text),
      'public-billing',
      `${name} reports no billable units, so callers pay for the seconds of the machine. Set the header ` +
        'x-fal-billable-units of each response.',
    ),
    ...found(
      app.isDirect && !app.methods.some(({ endpoint }) => endpoint?.isHealthCheck),
      'public-health',
      `${name} has no health check, so a runner that can't answer any more keeps getting requests. Add an endpoint ` +
        'with health_check=fal.HealthCheck().',
    ),
    ...found(
      root !== undefined && !hasDocstring(root.body),
      'public-about',
      `The endpoint / of ${name} has no docstring. The page of the app shows it as its description, as Markdown.`,
    ),
    ...found(
      !facts.hasLicence,
      'public-licence',
      `The project of ${name} has no licence. Add a file LICENSE, or \`license\` in [project] of pyproject.toml.`,
    ),
    ...found(
      !facts.hasThumbnail,
      'public-thumbnail',
      `The project of ${name} has no picture for its page. Add a file thumbnail.png next to pyproject.toml.`,
    ),
  ];
}

function hasDocstring(body: SyntaxNode | undefined): boolean {
  const [first] = body ? statementsIn(body).filter(({ name }) => name !== ':' && name !== 'Comment') : [];
  return first?.name === 'ExpressionStatement' && /String$/.test(first.firstChild?.name ?? '');
}
