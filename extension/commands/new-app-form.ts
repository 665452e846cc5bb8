import { join } from 'node:path';
import * as vscode from 'vscode';
import { Cancelled } from '../problem.ts';
import { appNameOf, defaultsOf, objection, type Template, type Values, type Variable } from '../target/templates.ts';
import { t } from '../words.ts';
import { freeName, isEmpty, isTaken } from '../workspace/place-for.ts';

const title = () => t('New fal App');

/** The template that the user picks; `describe` has the line below each. @throws Cancelled */
export async function chooseTemplate(
  templates: readonly Template[],
  describe: (template: Template) => string,
): Promise<Template> {
  const list = vscode.window.createQuickPick<vscode.QuickPickItem & { readonly template: Template }>();
  const preview: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon('book'), tooltip: t('Show README') };
  list.title = title();
  list.placeholder = t('Choose a template');
  list.matchOnDescription = true;
  // The preview takes the focus.
  list.ignoreFocusOut = true;
  list.items = templates.map((template) => ({
    label: `$(new-folder) ${template.name}`,
    description: template.shows,
    detail: describe(template),
    buttons: [preview],
    template,
  }));
  try {
    return await new Promise<Template>((resolve, reject) => {
      list.onDidTriggerItemButton(({ item }) => {
        const readme = vscode.Uri.file(join(item.template.folder, 'README.md'));
        void vscode.commands.executeCommand('markdown.showPreview', readme);
      });
      list.onDidAccept(() => {
        const [item] = list.selectedItems;
        if (item) resolve(item.template);
      });
      list.onDidHide(() => reject(new Cancelled()));
      list.show();
    });
  } finally {
    list.dispose();
  }
}

/** What the user has decided about a new app. */
export interface NewApp {
  readonly values: Values;
  /** The new folder's name; `.`: the open folder itself. */
  readonly place: string;
  readonly andCall: boolean;
}

type Choice = 'create' | 'call' | 'folder' | Variable;

/**
 * Shows all that can be decided, with its defaults, until the user picks an item that creates the app. The app has the
 * name of its new folder, and the folder that of the app, until each gets its own.
 * @param entries the names in the folder that the new one is made in
 * @param isOpen whether that folder is open: then the app can be in it itself if it is empty, and be called afterwards
 * @throws Cancelled
 */
export async function decide(template: Template, entries: readonly string[], isOpen: boolean): Promise<NewApp> {
  const mayBeHere = isOpen && isEmpty(entries);
  // Otherwise the app is a server of its own, whose endpoints the editor doesn't know.
  const canCall = isOpen && !template.tags.includes('server');
  const given: Record<string, string> = {};
  let folder: string | undefined;
  for (;;) {
    const place = folder ?? (mayBeHere ? '.' : freeName(given['app-name'] ?? template.name, entries));
    const named = place === '.' ? undefined : appNameOf(place);
    const own = named === undefined ? {} : { 'app-name': named };
    const values: Values = { ...defaultsOf(template), ...own, ...given };
    const items: readonly (vscode.QuickPickItem & { readonly choice: Choice })[] = [
      { label: `$(check) ${t('Create')}`, choice: 'create' },
      ...(canCall ? [{ label: `$(play) ${t('Create, Run and Call')}`, choice: 'call' as const }] : []),
      ...template.variables.map((variable) => ({
        label: `$(edit) ${variable.title}`,
        description: values[variable.name] ?? '',
        choice: variable,
      })),
      {
        label: `$(folder) ${t('Folder')}`,
        description: place === '.' ? t('the open folder') : place,
        choice: 'folder',
      },
    ];
    const placeHolder = t('Create the app, or pick what to change');
    const picked = await vscode.window.showQuickPick(items, {
      title: `${title()}: ${template.name}`,
      placeHolder,
      ignoreFocusOut: true,
    });
    if (!picked) throw new Cancelled();
    const { choice } = picked;
    if (choice === 'create' || choice === 'call') return { values, place, andCall: choice === 'call' };
    if (choice === 'folder') folder = (await askFolder(place, entries, mayBeHere)) ?? folder;
    else {
      const value = await askValue(choice, values[choice.name] ?? '');
      if (value !== undefined) given[choice.name] = value;
    }
  }
}

/** `undefined`: the user left it as it is. */
async function askValue(variable: Variable, value: string): Promise<string | undefined> {
  if (variable.type === 'choice')
    return vscode.window.showQuickPick(variable.options, { title: variable.title, placeHolder: value });
  return vscode.window.showInputBox({
    title: variable.title,
    value,
    validateInput: (text) => objection(variable, text),
  });
}

async function askFolder(place: string, entries: readonly string[], mayBeHere: boolean): Promise<string | undefined> {
  return vscode.window.showInputBox({
    title: t('Folder'),
    prompt: t('The name of a new folder'),
    value: place,
    validateInput(name) {
      if (name === '.' && mayBeHere) return undefined;
      if (isTaken(name, entries)) return t('{0} already exists.', name);
      return /^[\w-][\w. -]*$/.test(name) ? undefined : t('Use letters, digits, spaces, dots and hyphens.');
    },
  });
}
