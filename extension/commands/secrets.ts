import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { Presenter } from '../present.ts';
import { Cancelled, Problem, untrusted } from '../problem.ts';
import { askSecrets, changeSecrets, type SecretNames, secretFault } from '../target/secrets.ts';
import { type Element, elementsOf } from '../views/row-view.ts';
import { t } from '../words.ts';
import { parseDotenv, textOfFile } from './dotenv.ts';
import { type ImportedSecret, importPlan, skippedText } from './secret-import.ts';

const maxEnvBytes = 1024 * 1024;

/** Adds, removes and imports secrets of the emulator. Their values are never shown or logged. */
export function createSecretCommands(deps: {
  readonly folder: string;
  readonly present: Presenter;
  readonly ensureRunning: () => Promise<void>;
  /** The names are different now. */
  readonly changed: () => void;
}) {
  const { folder, present, changed } = deps;

  async function known(): Promise<SecretNames> {
    if (!vscode.workspace.isTrusted) throw untrusted();
    await deps.ensureRunning();
    const names = await askSecrets(folder);
    if (!names) throw new Problem(t('The emulator does not answer.'));
    return names;
  }

  async function change(changes: Parameters<typeof changeSecrets>[1]): Promise<void> {
    const refused = await changeSecrets(folder, changes);
    changed();
    if (refused === undefined) return;
    const [, detail = refused] = /"detail":\s*"((?:[^"\\]|\\.)*)"/.exec(refused) ?? [];
    throw new Problem(t('The secrets were not changed: {0}', detail));
  }

  async function add(): Promise<number> {
    const names = await known();
    const name = await vscode.window.showInputBox({
      title: t('Add Secret ({0} of {1})', 1, 2),
      prompt: t('Name of the environment variable that apps get'),
      placeHolder: 'HF_TOKEN',
      ignoreFocusOut: true,
      validateInput: (text) => (text === '' ? undefined : faultText(secretFault(text))),
    });
    if (!name) throw new Cancelled();
    const isKnown = names.some((one) => one.name === name && one.environment === 'main');
    const value = await vscode.window.showInputBox({
      title: t('Add Secret ({0} of {1})', 2, 2),
      prompt: isKnown ? t('New value of {0}; it replaces the old one', name) : t('Value of {0}', name),
      password: true,
      ignoreFocusOut: true,
    });
    if (!value) throw new Cancelled();
    await change({ set: { [name]: value } });
    done(t('fal: {0} is set for runners that start from now on.', name));
    return 1;
  }

  async function remove(argument: unknown, selection: unknown): Promise<number> {
    const given = elementsOf(argument, selection).flatMap(({ secret }) => secret ?? []);
    const chosen = given.length > 0 ? given : await pickSecrets(await known());
    const [first] = chosen;
    if (!first) throw new Cancelled();
    const what =
      chosen.length === 1 ? t('Remove the secret {0}?', first.name) : t('Remove {0} secrets?', chosen.length);
    const detail = t('Their values can not be restored. Running runners keep the values that they started with.');
    const yes = t('Remove');
    if ((await vscode.window.showWarningMessage(what, { modal: true, detail }, yes)) !== yes) throw new Cancelled();
    for (const environment of new Set(chosen.map((one) => one.environment))) {
      const names = chosen.filter((one) => one.environment === environment).map(({ name }) => name);
      await change({ environment, remove: names });
    }
    return chosen.length;
  }

  async function importFile(): Promise<number> {
    const names = await known();
    const file = await chooseFile();
    const bytes = await vscode.workspace.fs.readFile(file);
    const name = basename(file.path);
    if (bytes.length > maxEnvBytes) throw new Problem(t('{0} is too large for a file of secrets.', name));
    const { values, skipped } = parseDotenv(textOfFile(bytes), process.env);
    const plan = importPlan(values, names);
    if (plan.length === 0) throw new Problem(t('{0} sets no variables (lines such as NAME=value).', name));
    const items = plan.map((one) => ({ ...planText(one), picked: isUsable(one) && one.value !== '', one }));
    const chosen = await vscode.window.showQuickPick(items, {
      title: t('Secrets That {0} Would Set', name),
      placeHolder: skippedText(skipped) ?? t('Chosen names are set; values are not shown'),
      canPickMany: true,
      ignoreFocusOut: true,
    });
    const set = chosen?.map(({ one }) => one).filter(isUsable) ?? [];
    if (set.length === 0) throw new Cancelled();
    await change({ set: Object.fromEntries(set.map(({ name: key, value }) => [key, value])) });
    const [first, ...others] = set;
    done(
      first && others.length === 0
        ? t('fal: {0} is set for runners that start from now on.', first.name)
        : t('fal: {0} secrets are set for runners that start from now on.', set.length),
    );
    return set.length;
  }

  /** The number of secrets that were changed; errors are shown. */
  async function reported(act: () => Promise<number>): Promise<number> {
    try {
      return await act();
    } catch (error) {
      present.problem(error);
      return 0;
    }
  }

  return {
    add: () => reported(add),
    remove: (argument: unknown, selection: unknown) => reported(() => remove(argument, selection)),
    importFile: () => reported(importFile),
  };
}

const isUsable = ({ becomes }: ImportedSecret) => becomes !== 'refused';

function planText({ name, becomes, fault }: ImportedSecret): { readonly label: string; readonly description: string } {
  const words = {
    new: t('new'),
    replaced: t('replaces the present value'),
    empty: t('empty'),
    refused: t('not possible: {0}', faultText(fault) ?? ''),
  };
  return { label: name, description: words[becomes] };
}

function faultText(fault: ReturnType<typeof secretFault>): string | undefined {
  if (fault === undefined) return undefined;
  return {
    name: t('a name has only letters, digits and _, and begins with a letter or _'),
    platform: t('the platform sets this variable in every runner itself'),
    value: t('a value has no NUL'),
  }[fault];
}

async function pickSecrets(names: SecretNames): Promise<readonly NonNullable<Element['secret']>[]> {
  const items = names.map(({ name, environment }) => ({
    label: name,
    description: environment === 'main' ? '' : environment,
    secret: { name, environment },
  }));
  const options = { title: t('Select Secrets to Remove'), canPickMany: true } as const;
  return ((await vscode.window.showQuickPick(items, options)) ?? []).map(({ secret }) => secret);
}

/** One of the workspace's `.env` files, or any other. */
async function chooseFile(): Promise<vscode.Uri> {
  const found = await vscode.workspace.findFiles('**/.env*', '**/{node_modules,.venv,venv}/**', 20);
  const items = found
    .map((uri) => ({ label: vscode.workspace.asRelativePath(uri), uri: uri as vscode.Uri | undefined }))
    .toSorted((a, b) => a.label.localeCompare(b.label, 'en'));
  const other = { label: `$(folder-opened) ${t('Browse…')}`, uri: undefined };
  const title = t('Import Secrets from a .env File');
  const picked = items.length === 0 ? other : await vscode.window.showQuickPick([...items, other], { title });
  if (!picked) throw new Cancelled();
  const [browsed] = picked.uri ? [picked.uri] : ((await vscode.window.showOpenDialog({ title })) ?? []);
  if (!browsed) throw new Cancelled();
  return browsed;
}

function done(text: string): void {
  void vscode.window.setStatusBarMessage(text, 5_000);
}
