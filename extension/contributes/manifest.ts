import { runnerColorId, runnerColors } from './colors.ts';
import type { Command } from './command.ts';
import { commandId, commandNames, commands } from './commands.ts';
import type { Setting } from './setting.ts';
import { settingGroups } from './settings.ts';
import { problemMatchers, taskDefinitions } from './tasks.ts';
import { terminalProfiles } from './terminals.ts';
import { viewId, views } from './views.ts';
import { welcome } from './welcome.ts';

const all = commandNames.map((name) => ({ id: commandId(name), ...(commands[name] as Command) }));

/** `contributes` of package.json, from the tables of this folder. `scripts/manifest.ts` writes it. */
export function contributes() {
  return {
    commands: all.map(({ id, title, icon, enablement }) => ({
      command: id,
      category: 'fal',
      title,
      ...(icon ? { icon: `$(${icon})` } : {}),
      ...(enablement ? { enablement } : {}),
    })),
    menus: {
      commandPalette: all.flatMap(({ id, palette }) => (palette ? [{ command: id, when: palette }] : [])),
      'view/title': menu('view/title'),
      'view/item/context': menu('view/item/context'),
    },
    keybindings: all.flatMap(({ id, keys }) =>
      keys ? [{ command: id, key: keys.key, mac: keys.key.replace('ctrl+', 'cmd+'), when: keys.when }] : [],
    ),
    viewsContainers: { activitybar: [{ id: 'minifal', title: 'fal', icon: 'media/fal.svg' }] },
    views: {
      minifal: entries(views).map(([name, { name: title, icon }]) => ({
        id: viewId(name),
        name: title,
        icon,
        contextualTitle: 'fal',
      })),
    },
    viewsWelcome: welcome.map(({ view, contents, when }) => ({ view: viewId(view), contents, when })),
    terminal: {
      profiles: entries(terminalProfiles).map(([name, profile]) => ({ id: `minifal.${name}`, ...profile })),
    },
    taskDefinitions,
    problemMatchers,
    configuration: configuration(),
    colors: entries(runnerColors).map(([name, { description, ...defaults }]) => ({
      id: runnerColorId(name),
      description,
      defaults,
    })),
  };
}

/** The settings that a folder can't set before the user trusts it. */
export function restrictedSettings(): readonly string[] {
  return settingGroups.flatMap(({ settings }) =>
    Object.entries(settings).flatMap(([name, { isSafe }]) => (isSafe ? [] : [`minifal.${name}`])),
  );
}

function menu(place: NonNullable<Command['menus']>[number]['menu']) {
  return all.flatMap(({ id, menus = [] }) =>
    menus.filter((entry) => entry.menu === place).map(({ group, when }) => ({ command: id, group, when })),
  );
}

function configuration() {
  let order = 0;
  return settingGroups.map(({ title, settings }, index) => ({
    title,
    order: index + 1,
    properties: Object.fromEntries(
      Object.entries(settings).map(([name, setting]) => [`minifal.${name}`, property(setting, ++order)]),
    ),
  }));
}

function property(setting: Setting, order: number) {
  const { default: fallback, scope, description } = setting;
  return { ...schema(setting), default: fallback, order, scope, markdownDescription: description };
}

/** The part of a setting's JSON schema that restricts its values. */
function schema(setting: Setting) {
  switch (setting.type) {
    case 'choice':
      return {
        type: 'string',
        enum: Object.keys(setting.values),
        enumDescriptions: Object.values(setting.values),
      };
    case 'list': {
      const { pattern, otherwise } = setting.item;
      return { type: 'array', items: { type: 'string', pattern, patternErrorMessage: otherwise }, uniqueItems: true };
    }
    case 'number':
      return { type: 'number', minimum: setting.minimum, maximum: setting.maximum };
    default:
      return { type: setting.type };
  }
}

function entries<T extends object>(table: T) {
  return Object.entries(table) as [keyof T & string, T[keyof T]][];
}
