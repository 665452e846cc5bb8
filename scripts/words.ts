// The texts of the extension's code that `t` (extension/words.ts) or `vscode.l10n.t` translates, and a test language.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Expression, parseSync, Visitor } from 'oxc-parser';
import { commandNames, commands } from '../extension/contributes/commands.ts';

/** Every text is its own key: translators copy the file and replace the values. */
export function wordsOfCode(root: string): { readonly [english: string]: string } {
  const found = globSync('{extension,webview}/**/*.ts', { cwd: root })
    .filter((file) => !/\.test\.ts$|\/testing\//.test(file))
    .flatMap((file) => wordsOf(file, readFileSync(join(root, file), 'utf8')));
  // `commandTitle` looks these up.
  const titles = commandNames.map((name) => commands[name].title);
  return Object.fromEntries([...new Set([...found, ...titles])].sort().map((text) => [text, text]));
}

/** The texts of one file. Throws where a text isn't written out in the call. */
export function wordsOf(file: string, source: string): readonly string[] {
  const { program, errors } = parseSync(file, source);
  if (errors[0]) throw new Error(`${file}: ${errors[0].message}`);
  const texts: string[] = [];
  new Visitor({
    CallExpression({ callee, arguments: [text], start }) {
      const isT =
        (callee.type === 'Identifier' && callee.name === 't') ||
        (callee.type === 'MemberExpression' && /^(\w+\.)?l10n\.t$/.test(source.slice(callee.start, callee.end)));
      if (!isT) return;
      const words = text?.type === 'SpreadElement' ? undefined : written(text);
      const line = source.slice(0, start).split('\n').length;
      if (words === undefined)
        throw new Error(`${file}:${line}: the text of t() has to be a string in the call itself`);
      texts.push(words);
    },
  }).visit(program);
  return texts;
}

/** A string, also in several parts that `+` joins. */
function written(text: Expression | undefined): string | undefined {
  if (text?.type === 'Literal' && typeof text.value === 'string') return text.value;
  if (text?.type === 'TemplateLiteral' && text.expressions.length === 0)
    return text.quasis[0]?.value.cooked ?? undefined;
  if (text?.type !== 'BinaryExpression' || text.operator !== '+') return;
  const [left, right] = [written(text.left), written(text.right)];
  return left === undefined || right === undefined ? undefined : left + right;
}

const accented = new Map(
  [...'aeiouycnAEIOUYCN'].map((letter, index) => [letter, [...'àéîöûÿçñÀÉÎÖÛŸÇÑ'][index] ?? letter]),
);

/**
 * A text in the test language `qps-ploc`: in brackets, with accents, a third longer, so that a text that isn't
 * translated, a text glued from parts, and a narrow place can be seen. Values, links, icons and code stay as they are.
 */
export function pseudo(text: string): string {
  const parts = text.split(/(\{\d+\}|\]\([^)]*\)|\$\([^)]*\)|`[^`]*`|%[^%\s]*%|\n)/);
  const lines = parts.map((part, index) =>
    index % 2 === 1 ? part : part.replace(/[a-z]/gi, (letter) => accented.get(letter) ?? letter),
  );
  return lines
    .join('')
    .split('\n')
    .map((line) =>
      /^\[[^\]]*\]\([^)]*\)$/.test(line)
        ? line.replace(/^\[([^\]]*)\]/, '[⟦$1⟧]')
        : line && `⟦${line}${'~'.repeat(Math.ceil(line.length / 3))}⟧`,
    )
    .join('\n');
}
