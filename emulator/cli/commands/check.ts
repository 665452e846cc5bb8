import { relative, resolve, sep } from 'node:path';
import { builtPackages } from '../../local/checks/built-packages.ts';
import { checkPython } from '../../local/checks/check.ts';
import { type CheckCode, checkCodes, checkPage, type Severity } from '../../local/checks/codes.ts';
import type { Packages } from '../../local/checks/facts.ts';
import { fileFacts } from '../../local/checks/file-facts.ts';
import type { Finding } from '../../local/checks/finding.ts';
import { projectFacts } from '../../local/checks/project-facts.ts';
import { checkPublic } from '../../local/checks/public/check-public.ts';
import { type PublicCode, publicCodes, publicPage } from '../../local/checks/public/codes.ts';
import { publicFacts } from '../../local/checks/public/public-facts.ts';
import { pythonFiles, readPython } from '../../local/checks/python-files.ts';
import { dataFolder } from '../../local/data-folder.ts';
import { printableJson } from '../../local/printable.ts';
import { appsOf, filesOf } from '../../local/python-code/apps.ts';
import { readPythonFile } from '../../local/python-code/python-file.ts';
import { lineFinder } from '../../local/python-code/tree.ts';
import { UserError } from '../../wire/errors.ts';
import { parseCheckLine } from '../line/check-arguments.ts';
import { checkUsage } from '../line/check-usage.ts';
import { printLine, printText } from '../print.ts';

/** `minifal check`: prints what is wrong with apps. @returns 1 if something is */
export function check(argv: readonly string[]): number {
  const options = parseCheckLine(argv);
  if (options.help) {
    printText(checkUsage);
    return 0;
  }
  const { files, found } = findings(options.path, options.isPublic);
  if (options.json) printText(printableJson({ files, findings: found }));
  else print(files, found);
  return found.some(({ severity }) => severity !== 'information') ? 1 : 0;
}

/** A finding as programs read it; lines and columns are 1-based. */
interface Found extends Omit<Finding<CheckCode | PublicCode>, 'from' | 'to'> {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
  readonly severity: Severity;
  readonly page: string;
}

function findings(path: string, isPublic: boolean): { readonly files: number; readonly found: readonly Found[] } {
  const texts = new Map<string, string>();
  for (const file of filesAt(path)) {
    const text = readPython(file);
    // In a folder, the others still can be checked.
    if (text === undefined && file === resolve(path)) throw unreadable(path);
    if (text !== undefined && /\bfal\b/.test(text)) texts.set(file.split(sep).join('/'), text);
  }
  const readings = new Map([...texts].map(([file, text]) => [file, readPythonFile(text)] as const));
  const apps = appsOf(filesOf(readings));
  let built: readonly Packages[] | undefined;
  const environments = () => {
    built ??= builtPackages(dataFolder(undefined));
    return built;
  };
  const found = [...apps].flatMap(([file, known]) => {
    const text = texts.get(file) ?? '';
    const facts = { ...fileFacts(file), ...projectFacts(file), environments, apps: known };
    const mistakes = checkPython(text, facts).map((one) =>
      foundIn(file, text, one, checkCodes[one.code], checkPage(one.code)),
    );
    const lacking = isPublic ? checkPublic(text, known, publicFacts(file)) : [];
    return [
      ...mistakes,
      ...lacking.map((one) => foundIn(file, text, one, publicCodes[one.code], publicPage(one.code))),
    ];
  });
  return { files: apps.size, found };
}

function filesAt(path: string): readonly string[] {
  try {
    return pythonFiles(resolve(path));
  } catch {
    throw unreadable(path);
  }
}

function unreadable(path: string): UserError {
  return new UserError(
    'ARGUMENT_INVALID',
    `${path} can't be read, or is too large for Python code.`,
    'Give a Python file or a folder.',
  );
}

function foundIn(
  file: string,
  text: string,
  { from, to, ...finding }: Finding<CheckCode | PublicCode>,
  severity: Severity,
  page: string,
): Found {
  const lineOf = lineFinder(text);
  const column = (at: number) => at - text.lastIndexOf('\n', at - 1);
  return {
    file: relative('.', file),
    line: lineOf(from) + 1,
    column: column(from),
    endLine: lineOf(to) + 1,
    endColumn: column(to),
    severity,
    page,
    ...finding,
  };
}

const words: { readonly [S in Severity]: string } = { error: 'error', warning: 'warning', information: 'hint' };

function print(files: number, found: readonly Found[]): void {
  for (const { file, line, column, severity, message, code } of found)
    printLine(`${file}:${line}:${column}: ${words[severity]}: ${message} [${code}]`);
  const count = (severity: Severity) => {
    const { length } = found.filter((one) => one.severity === severity);
    return `${length} ${words[severity]}${length === 1 ? '' : 's'}`;
  };
  const counts = [count('error'), count('warning'), count('information')];
  printLine(`${files} ${files === 1 ? 'file' : 'files'} with apps: ${counts.join(', ')}`);
}
