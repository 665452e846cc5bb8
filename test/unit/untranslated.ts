import { parseSync } from 'oxc-parser';

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/** Properties, variables and arguments whose strings the editor shows. */
const shownFields =
  /^(title|label|tooltip|description|detail|placeHolder|placeholder|prompt|spoken|message|openLabel|saveLabel)$/;
const showingCalls = /\.(show\w+Message|setStatusBarMessage|createOutputChannel)$|^(Problem|withVisibleProgress)$/;
const logs = /(^|\.)log(\.(trace|debug|info|warn|error))?$/;
const sentence = /[A-Za-z]{2,}[,.:;]? [a-z]{2,}|[a-z]{2,}[,.:;]? [A-Z][a-z]/;
/** One word, but not a name such as `startEmulator`. */
const word = /(^|[^\w])[A-Z][a-z]+\b|[a-z]{2,} | [a-z]{2,}/;

/**
 * The strings of a file that people could read and that don't go through `t`, and calls of `t` outside of a function
 * (they run before the words are known): `FILE:LINE: TEXT`.
 */
export function untranslated(file: string, source: string): readonly string[] {
  const found: string[] = [];
  const report = (node: Node, text: string) => {
    found.push(`${file}:${source.slice(0, node.start).split('\n').length}: ${text.trim().slice(0, 80)}`);
  };
  const code = (node: unknown) => (isNode(node) ? source.slice(node.start, node.end) : '');

  function walk(node: Node, isShown: boolean, inFunction: boolean): void {
    const all = node as Node & { readonly [name: string]: unknown };
    if (/^(TS\w*Type|ImportDeclaration|ImportExpression|Export\w*Declaration)/.test(node.type) && 'source' in all) {
      if (all.source !== null) return;
    }
    if (/^TS(Literal|Union|TypeReference|TypeAlias|Interface)/.test(node.type)) return;
    let shown = isShown;
    if (node.type === 'CallExpression' || node.type === 'NewExpression') {
      const callee = code(all.callee);
      if (callee === 't' || /(^|\.)l10n\.t$/.test(callee)) {
        if (!inFunction) report(node, code(node));
        for (const one of (all.arguments as readonly Node[]).slice(1)) walk(one, false, inFunction);
        return;
      }
      if (logs.test(callee)) return;
      shown = showingCalls.test(callee);
    }
    if (node.type === 'Property') shown = shownFields.test(code(all.key));
    if (node.type === 'AssignmentExpression') shown = shownFields.test(code(all.left).split('.').at(-1) ?? '');
    const text = textOf(all);
    if (text !== undefined && !/^\[\w+\] /.test(text) && (sentence.test(text) || (shown && word.test(text))))
      report(node, text);
    const below = inFunction || /Function|MethodDefinition/.test(node.type);
    for (const [name, child] of Object.entries(all)) {
      // What a conditional expression tests isn't shown.
      const isAsked = name === 'test' || node.type === 'BinaryExpression' || node.type === 'MemberExpression';
      for (const one of Array.isArray(child) ? child : [child]) if (isNode(one)) walk(one, shown && !isAsked, below);
    }
  }

  walk(parseSync(file, source).program as Node, false, false);
  return found;
}

function isNode(value: unknown): value is Node {
  return typeof (value as Node | null | undefined)?.type === 'string';
}

function textOf(node: { readonly [name: string]: unknown }): string | undefined {
  if (node.type === 'Literal') return typeof node.value === 'string' ? node.value : undefined;
  if (node.type !== 'TemplateLiteral') return undefined;
  const parts = node.quasis as readonly { readonly value: { readonly cooked: string | null } }[];
  return parts.map(({ value }) => value.cooked ?? '').join('…');
}
