import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { skeletonConfig } from '../data-folder.ts';
import { fill } from './fill.ts';
import type { Variable } from './manifest.ts';
import type { Template } from './read.ts';

/** What `fal create app` clones (fal/cli/create.py). */
const skeleton = 'https://github.com/fal-ai/cookiecutter-fal.git';

/**
 * Makes a template the project that `fal create app` begins with, without the network: cookiecutter asks for the
 * template's variables. The configuration gives the address of fal's own skeleton another meaning, which cookiecutter
 * calls an abbreviation.
 */
export function writeSkeleton(dataFolder: string, template: Template): void {
  const folder = dirname(skeletonConfig(dataFolder));
  rmSync(folder, { recursive: true, force: true });
  const own = join(folder, template.name);
  const project = join(own, `{{cookiecutter.${keyOf('app-name')}}}`);
  for (const one of [project, join(own, 'hooks')]) mkdirSync(one, { recursive: true, mode: 0o700 });
  for (const [name, bytes] of fill(template, Object.fromEntries(template.variables.map(markOf))))
    writeFileSync(join(project, name), forJinja(Buffer.from(bytes).toString('utf8'), template.variables));
  writeFileSync(join(own, 'cookiecutter.json'), JSON.stringify(questions(template), null, 2));
  writeFileSync(join(own, 'hooks', 'pre_gen_project.py'), hook(template.variables));
  const config = {
    abbreviations: { [skeleton]: own },
    cookiecutters_dir: join(folder, 'cloned'),
    replay_dir: join(folder, 'answers'),
  };
  // JSON is YAML, too.
  writeFileSync(skeletonConfig(dataFolder), JSON.stringify(config, null, 2));
}

function keyOf(name: string): string {
  return name.replaceAll('-', '_');
}

/** What no file of a template has. */
function markOf({ name }: Variable): readonly [string, string] {
  return [name, `\u0001${keyOf(name)}\u0001`];
}

/** Braces that are Jinja's are written as texts, and marks as its variables. */
function forJinja(text: string, variables: readonly Variable[]): string {
  const plain = text.replace(/\{[{%#]/g, (opening) => `{{ "${opening}" }}`);
  return variables
    .map(markOf)
    .reduce((done, [name, mark]) => done.replaceAll(mark, `{{ cookiecutter.${keyOf(name)} }}`), plain);
}

function questions({ variables }: Template): object {
  const values = variables.map((one) => {
    const options = one.type === 'choice' ? [one.default, ...one.options.filter((other) => other !== one.default)] : [];
    return [keyOf(one.name), options.length > 0 ? options : String(one.default)];
  });
  const prompts = Object.fromEntries(variables.map(({ name, title }) => [keyOf(name), title]));
  return { ...Object.fromEntries(values), __prompts__: prompts };
}

/** Ends with a sentence before a file is made with a value that `minifal new` would refuse, too. */
function hook(variables: readonly Variable[]): string {
  const checks = variables.flatMap((one) => {
    const value = `"{{ cookiecutter.${keyOf(one.name)} }}"`;
    if (one.type === 'app-name')
      return [`if not re.fullmatch(r"(?=.{1,50}$)[a-z0-9]+(-[a-z0-9]+)*", ${value}):`, wrong(one.title, 'my-app')];
    if (one.type === 'integer') return [`if not re.fullmatch(r"0|[1-9]\\d{0,8}", ${value}):`, wrong(one.title, '60')];
    return [];
  });
  return ['import re', 'import sys', '', ...checks, ''].join('\n');
}

function wrong(title: string, example: string): string {
  return `    sys.exit("${title}: this can't be used. An example is ${example}.")`;
}
