/** The line (from 1) of a Python file that imports a module that doesn't exist; `undefined`: none does. Pure. */
export function importLine(text: string, module: string): number | undefined {
  const parts = module.split('.');
  const code = withoutTexts(text);
  for (let count = parts.length; count > 0; count--) {
    const name = parts.slice(0, count).join('\\.');
    const line = firstLine(
      code,
      new RegExp(`(?:^|;)\\s*(?:from\\s+${name}\\b|import\\s+(?:[\\w.\\s]+,\\s*)*${name}\\b)`),
    );
    if (line !== undefined) return line;
  }
  return undefined;
}

/** Without comments, and without what is in texts of several lines; lines stay where they are. */
function withoutTexts(text: string): string {
  return text.replace(
    /("(?:[^"\\\n]|\\.)+"|'(?:[^'\\\n]|\\.)+')|#[^\n]*|("{3}|'{3})[\s\S]*?(?:\2|$)/g,
    (whole, short) => (short === undefined ? whole.replace(/[^\n]+/g, '') : whole),
  );
}

/**
 * The line (from 1) of a Python file or a `pyproject.toml` that has a requirement, written in any way that the package
 * index accepts: as it is, otherwise with another version. Pure.
 */
export function requirementLine(text: string, requirement: string): number | undefined {
  const asItIs = text.split(/\r?\n/).findIndex((line) => ['"', "'"].some((q) => line.includes(q + requirement + q)));
  if (asItIs >= 0) return asItIs + 1;
  const name = requirement.split(/[\s<>=!~@[;]/)[0] ?? requirement;
  if (name === '') return undefined;
  const anySpelling = name
    .split(/[-_.]+/)
    .map(escaped)
    .join('[-_.]+');
  return firstLine(text, new RegExp(`["']${anySpelling}(?![\\w-])`, 'i'));
}

function escaped(text: string): string {
  return text.replaceAll(/[^\w]/g, '\\$&');
}

function firstLine(text: string, pattern: RegExp): number | undefined {
  const line = text.split(/\r?\n/).findIndex((one) => pattern.test(one));
  return line < 0 ? undefined : line + 1;
}
