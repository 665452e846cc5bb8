import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join, relative, resolve } from 'node:path';
import { printableJson } from '../../local/printable.ts';
import { addToProject, projectFile } from '../../local/templates/add.ts';
import { defaultsOf, fill, type Values } from '../../local/templates/fill.ts';
import { templatesFolder } from '../../local/templates/find.ts';
import { objection, type Variable } from '../../local/templates/manifest.ts';
import { readTemplates, type Template } from '../../local/templates/read.ts';
import { writeProject } from '../../local/templates/write.ts';
import { UserError } from '../../wire/errors.ts';
import { commandLine, formatOfShell } from '../env.ts';
import { type NewOptions, parseNewLine } from '../line/new-arguments.ts';
import { newUsage } from '../line/new-usage.ts';
import { ownEvalLine } from '../own-command.ts';
import { printText } from '../print.ts';
import { atTerminal, type Questions, Stopped } from '../questions.ts';

const defaultTemplate = 'ocr';

/** `minifal new`: creates an app from a template. */
export async function newApp(argv: readonly string[]): Promise<number> {
  const options = parseNewLine(argv);
  if (options.help) printText(newUsage);
  if (options.help) return 0;
  const templates = readTemplates(templatesFolder());
  if (options.list) {
    printText(options.json ? printableJson(templates.map(listed)) : templates.map(described).join('\n'));
    return 0;
  }
  const asks = !options.yes && !options.json && process.stdin.isTTY && process.stdout.isTTY;
  const questions = asks ? atTerminal() : undefined;
  try {
    create(options, await chosen(options, templates, questions));
    return 0;
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    process.stderr.write('\nNothing was written.\n');
    return 130;
  } finally {
    questions?.end();
  }
}

interface Choice {
  readonly template: Template;
  readonly values: Values;
  readonly folder: string;
  /** The project that it becomes a part of; its folder is then below. */
  readonly project: string | undefined;
}

async function chosen(
  options: NewOptions,
  templates: readonly Template[],
  questions: Questions | undefined,
): Promise<Choice> {
  const known = `Choose one of ${templates.map((one) => one.name).join(', ')}.`;
  const isKnown = (name: string) => templates.some((one) => one.name === name);
  if (questions && options.template === undefined) printText(templates.map(described).join('\n'));
  const name =
    options.template ??
    (await questions?.ask('Template', defaultTemplate, (answer) => (isKnown(answer) ? undefined : known))) ??
    defaultTemplate;
  const template = templates.find((one) => one.name === name);
  if (!template) throw new UserError('TEMPLATE_UNKNOWN', `There is no template ${name}.`, known);
  const given = checkedValues(template, options.set);
  const values: Record<string, string> = { ...defaultsOf(template), ...given };
  for (const variable of questions ? template.variables : []) {
    if (given[variable.name] !== undefined) continue;
    const question = variable.type === 'choice' ? `${variable.title}: ${variable.options.join(', ')}` : variable.title;
    const fallback = values[variable.name] ?? '';
    values[variable.name] =
      (await questions?.ask(question, fallback, (answer) => objection(variable, answer))) ?? fallback;
  }
  const own = values['app-name'] ?? template.name;
  const project = resolve(options.folder ?? '.');
  if (existsSync(join(project, projectFile))) return { template, values, folder: join(project, own), project };
  const folder = options.folder ?? fromHome((await questions?.ask('Folder', own, () => undefined)) ?? own);
  return { template, values, folder: resolve(folder), project: undefined };
}

/** A shell does this with arguments, and nothing with answers. */
function fromHome(folder: string): string {
  return folder.replace(/^~(?=\/|$)/, () => homedir());
}

function create({ json }: NewOptions, { template, values, folder, project }: Choice): void {
  const app = values['app-name'] ?? template.name;
  const made = fill(template, values);
  if (project === undefined) writeProject(folder, made);
  else addToProject(project, app, made);
  const files = template.files.filter((name) => project === undefined || name !== projectFile);
  if (json) {
    printText(printableJson({ template: template.name, folder, files, values, ...(project && { project }) }));
    return;
  }
  const shell = formatOfShell(process.env.SHELL, process.platform);
  const steps = [
    ...(folder === process.cwd() ? [] : [commandLine(['cd', pathTo(folder)], shell)]),
    ownEvalLine(undefined),
    commandLine(['fal', 'deploy', app], shell),
  ];
  const added = project === undefined ? '' : `Added [tool.fal.apps.${app}] to ${projectFile}.\n`;
  printText(
    `Created ${basename(folder)}: ${files.join(', ')}\n${added}\n` +
      `To deploy it to the emulator:\n${steps.map((line) => `  ${line}\n`).join('')}`,
  );
}

/** From here, and no option of `cd`. */
function pathTo(folder: string): string {
  const path = relative('.', folder);
  return path.startsWith('-') ? `./${path}` : path;
}

/** @throws UserError for a variable that the template doesn't have, or a value that it can't have */
function checkedValues({ name, variables }: Template, set: Values): Values {
  for (const [key, value] of Object.entries(set)) {
    const variable = variables.find((one) => one.name === key);
    if (!variable)
      throw new UserError(
        'ARGUMENT_INVALID',
        `The template ${name} has no variable ${key}.`,
        `Set one of ${variables.map((one) => one.name).join(', ')}.`,
      );
    const why = objection(variable, value);
    if (why !== undefined) throw new UserError('ARGUMENT_INVALID', `${key} can't be ${JSON.stringify(value)}.`, why);
  }
  return set;
}

function described(template: Template): string {
  const { name, shows, machineType, vramGb, downloadMb, variables } = template;
  const needs = [
    `machine type ${machineType}`,
    ...(vramGb > 0 ? [`${vramGb} GB of GPU memory`] : []),
    ...(downloadMb > 0 ? [`downloads ${downloadMb} MB`] : []),
  ];
  return `${name}: ${shows}\n  ${needs.join(', ')}\n${variables.map(variableLine).join('')}`;
}

function variableLine(variable: Variable): string {
  const range =
    variable.type === 'choice'
      ? ` of ${variable.options.join(', ')}`
      : variable.type === 'integer'
        ? ` from ${variable.min} to ${variable.max}`
        : '';
  return `  --set ${variable.name}=${variable.default}  ${variable.title}${range}\n`;
}

function listed({ folder: _f, ...template }: Template): object {
  return template;
}
