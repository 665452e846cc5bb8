import type { SyntaxNode } from '@lezer/common';
import { importsOf } from '../python-code/imports.ts';
import { stringOf } from '../python-code/literal.ts';
import { definitionOf, statementsIn } from '../python-code/statements.ts';
import { children, textOf } from '../python-code/tree.ts';
import { type AppCode, type CheckedCode, isImport, settingOf } from './app-code.ts';
import type { CheckFacts } from './facts.ts';
import type { Edit, Finding, Fix } from './finding.ts';
import { nodesIn } from './nodes.ts';
import { modulesOf, ofEveryRunner, packageOf } from './packages.ts';
import { builtFor, readRequirement } from './requirements.ts';
import { stringsIn } from './settings.ts';

/** Well-known packages that an app's methods import, and that its runners don't have. */
export function importFindings(code: CheckedCode, app: AppCode, facts: CheckFacts): readonly Finding[] {
  const elsewhere = facts.projectSettings?.(app.name);
  if (elsewhere?.has('requirements') || elsewhere?.has('image')) return [];
  const brought = modulesOfRunners(code, app);
  if (!brought) return [];
  const seen = new Set<string>();
  return importedBy(code, app).flatMap(({ module, node }): readonly Finding[] => {
    const name = Object.hasOwn(packageOf, module) ? packageOf[module] : undefined;
    if (name === undefined || seen.has(module) || brought.has(module) || facts.isLocal?.(module)) return [];
    seen.add(module);
    const version = builtFor(code, app, facts)?.get(name);
    const requirement = version === undefined ? name : `${name}==${version}`;
    return [
      {
        code: 'missing-requirement',
        message:
          `${app.name} imports ${module}, but none of its requirements brings it, so this fails on a runner. Add ` +
          `"${requirement}" to requirements.`,
        from: node.from,
        to: node.to,
        fixes: addingFix(code, app, requirement),
      },
    ];
  });
}

/** The well-known modules of the app's runners; `undefined`: nobody knows without building it. */
function modulesOfRunners(code: CheckedCode, app: AppCode): ReadonlySet<string> | undefined {
  const { source } = code;
  // A container image, or settings that aren't here.
  if (!app.isDirect || settingOf(app, 'image') || settingOf(app, 'kind')) return undefined;
  if (changesLater(code, app) || installsItself(code)) return undefined;
  const brought = new Set(ofEveryRunner);
  const own = settingOf(app, 'local_python_modules');
  if (own && !Array.isArray(own.literal)) return undefined;
  for (const module of Array.isArray(own?.literal) ? own.literal : []) brought.add(String(module).split('.')[0] ?? '');
  const requirements = settingOf(app, 'requirements');
  if (requirements === undefined) return brought;
  if (!Array.isArray(requirements.literal)) return undefined;
  for (const node of stringsIn(requirements.value)) {
    const { name, extras } = readRequirement(stringOf(textOf(source, node)) ?? '');
    // An extra may bring anything.
    const modules = name === undefined || extras !== '' ? undefined : modulesOf(name);
    if (!modules) return undefined;
    for (const module of modules) brought.add(module);
  }
  // A name in the list is a constant, whose text isn't here.
  return requirements.literal.flat().length === stringsIn(requirements.value).length ? brought : undefined;
}

const deciding = /^(requirements|image|kind|local_python_modules)$/;

/** Whether a setting that decides what runners have gets values in another way than by one assignment in the class. */
function changesLater({ source }: CheckedCode, app: AppCode): boolean {
  const names = app.settings.map(({ nameNode }) => nameNode).filter((node) => deciding.test(textOf(source, node)));
  const isKnown = (node: SyntaxNode) => names.some(({ from }) => from === node.from);
  if (new Set(names.map((node) => textOf(source, node))).size < names.length) return true;
  const inClass = statementsIn(app.body).filter((one) => !definitionOf(one));
  const mentioned = inClass
    .flatMap((one) => [...nodesIn(one)])
    .filter(({ name }) => name === 'VariableName')
    .some((node) => deciding.test(textOf(source, node)) && !isKnown(node));
  if (mentioned) return true;
  if (!/\.\s*(requirements|image|kind|local_python_modules)\b/.test(source.text)) return false;
  return [...nodesIn(source.top)].some(
    (node) => node.name === 'PropertyName' && deciding.test(textOf(source, node)) && isChanged(node.parent),
  );
}

/** `A.requirements = …`, or a method of it is called. */
function isChanged(member: SyntaxNode | null): boolean {
  const parent = member?.parent;
  if (parent?.name === 'MemberExpression') return true;
  return /^(Assign|Update)Statement$/.test(parent?.name ?? '') && parent?.firstChild?.from === member?.from;
}

/** The file runs pip, so nobody knows what a runner has. */
function installsItself({ source }: CheckedCode): boolean {
  if (!/\bpip3?\b/.test(source.text)) return false;
  return [...nodesIn(source.top)].some(
    ({ name, from, to }) =>
      (name === 'String' || name === 'FormatString') &&
      /^\w*["']+(pip3?["']|[^"']*\bpip3?\s+install\b)/.test(source.text.slice(from, to)),
  );
}

interface Imported {
  readonly module: string;
  readonly node: SyntaxNode;
}

const guarded = /^(TryStatement|IfStatement)$/;

/** What its methods import, and imports of the file that they use. Not what may fail, or isn't always imported. */
function importedBy({ source, statements }: CheckedCode, app: AppCode): readonly Imported[] {
  const within = app.methods.flatMap(({ body }) =>
    body ? [...nodesIn(body, ({ name }) => !guarded.test(name))].filter(isImport) : [],
  );
  const used = new Set(
    app.methods.flatMap(({ body }) =>
      body ? [...nodesIn(body)].filter(({ name }) => name === 'VariableName').map((one) => textOf(source, one)) : [],
    ),
  );
  const atTop = statements.filter((one) => isImport(one) && one.parent?.name === 'Script');
  const isUsed = (node: SyntaxNode): boolean => {
    const { modules, names } = importsOf(source, [node]);
    return [...modules.keys(), ...names.keys()].some((name) => used.has(name));
  };
  return [...atTop.filter(isUsed), ...within].flatMap((node) =>
    modulesIn(textOf(source, node)).map((module) => ({ module, node })),
  );
}

/** `import a.b, c` -> a, c; `from a.b import c` -> a. */
function modulesIn(statement: string): readonly string[] {
  const from = /^from\s+([A-Za-z_]\w*)/.exec(statement)?.[1];
  if (from !== undefined) return [from];
  const list = /^import\s+([\w\s.,]+)$/.exec(statement)?.[1] ?? '';
  return list.split(',').flatMap((one) => /^\s*([A-Za-z_]\w*)/.exec(one)?.[1] ?? []);
}

function addingFix(code: CheckedCode, app: AppCode, requirement: string): readonly Fix[] {
  const setting = settingOf(app, 'requirements');
  const edit = setting ? inList(code, setting.value, requirement) : newList(code, app, requirement);
  return edit ? [{ title: `Add ${requirement} to requirements`, edits: [edit] }] : [];
}

/** After the last item, as that is written. */
function inList({ source }: CheckedCode, value: SyntaxNode, requirement: string): Edit | undefined {
  if (value.name !== 'ArrayExpression') return undefined;
  const last = stringsIn(value).at(-1);
  const text = `"${requirement}"`;
  if (!last) return { from: value.from + 1, to: value.from + 1, text };
  const line = source.text.slice(source.text.lastIndexOf('\n', last.from) + 1, last.from);
  return { from: last.to, to: last.to, text: /^\s*$/.test(line) ? `,\n${line}${text}` : `, ${text}` };
}

/** A line before the first statement that is not the class's docstring. */
function newList({ source }: CheckedCode, app: AppCode, requirement: string): Edit | undefined {
  const statements = statementsIn(app.body).filter(({ name }) => name !== ':' && name !== 'Comment');
  const at = statements.find((one) => one.name !== 'ExpressionStatement' || children(one)[0]?.name !== 'String');
  if (!at) return undefined;
  const indentation = source.text.slice(source.text.lastIndexOf('\n', at.from) + 1, at.from);
  if (!/^[ \t]+$/.test(indentation)) return undefined;
  return { from: at.from, to: at.from, text: `requirements = ["${requirement}"]\n${indentation}` };
}
