import { runnerColorId, runnerColors } from './colors.ts';
import type { Command } from './command.ts';
import { commandId, commandNames, commands } from './commands.ts';
import { debuggers, debugType } from './debuggers.ts';
import type { Setting } from './setting.ts';
import { settingGroups } from './settings.ts';
import { problemMatchers, taskDefinitions } from './tasks.ts';
import { terminalProfiles } from './terminals.ts';
import { panelViews, viewId, views } from './views.ts';
import { steps, walkthrough } from './walkthroughs.ts';
import { welcome } from './welcome.ts';

const all = commandNames.map((name) => ({ name, id: commandId(name), ...(commands[name] as Command) }));

/** Puts a text into package.nls.json, and returns what package.json has in its place. */
type Say = (key: string, text: string) => `%${string}%`;

/** The generated parts of package.json and package.nls.json, from the tables of this folder. */
export function manifest() {
  const words: { [key: string]: string } = {};
  const say: Say = (key, text) => {
    if (words[key] !== undefined && words[key] !== text) throw new Error(`two texts have the key ${key}`);
    words[key] = text;
    return `%${key}%`;
  };
  return { contributes: contributes(say), capabilities: capabilities(say), words };
}

function contributes(say: Say) {
  return {
    commands: all.map(({ id, name, title, icon, enablement }) => ({
      command: id,
      category: 'fal',
      title: say(`command.${name}`, title),
      ...(icon ? { icon: `$(${icon})` } : {}),
      ...(enablement ? { enablement } : {}),
    })),
    menus: {
      commandPalette: all.flatMap(({ id, palette }) => (palette ? [{ command: id, when: palette }] : [])),
      'view/title': menu('view/title'),
      'view/item/context': menu('view/item/context'),
    },
    keybindings: all.flatMap(({ id, keys = [] }) =>
      [keys].flat().map((one) => ({ command: id, ...one, mac: one.key.replace('ctrl+', 'cmd+') })),
    ),
    viewsContainers: {
      activitybar: [{ id: 'minifal', title: 'fal', icon: 'media/fal.svg' }],
      panel: [{ id: 'minifalPanel', title: 'fal', icon: 'media/fal.svg' }],
    },
    views: {
      minifal: entries(views).map(([name, { name: title, icon, ...more }]) => ({
        id: viewId(name),
        name: say(`view.${name}`, title),
        icon,
        ...more,
        contextualTitle: 'fal',
      })),
      minifalPanel: entries(panelViews).map(([name, { name: title, icon }]) => ({
        id: viewId(name),
        type: 'webview',
        name: say(`view.${name}`, title),
        icon,
        contextualTitle: 'fal',
      })),
    },
    viewsWelcome: welcome.map(({ view, name, contents, when }) => ({
      view: viewId(view),
      contents: say(`welcome.${view}.${name}`, contents),
      when,
    })),
    terminal: {
      profiles: entries(terminalProfiles).map(([name, profile]) => ({ id: `minifal.${name}`, ...profile })),
    },
    walkthroughs: [
      {
        id: walkthrough.id,
        title: say('walkthrough.title', walkthrough.title),
        description: say('walkthrough.description', walkthrough.description),
        steps: entries(steps).map(([id, { title, description, picture, completedWhen }]) => ({
          id,
          title: say(`walkthrough.${id}.title`, title),
          description: say(`walkthrough.${id}.description`, description),
          media: { svg: `media/walkthrough-${id}.svg`, altText: say(`walkthrough.${id}.picture`, picture) },
          completionEvents: [`onContext:${completedWhen}`],
        })),
      },
    ],
    taskDefinitions: taskDefinitions.map((definition) => ({
      ...definition,
      properties: Object.fromEntries(
        Object.entries(definition.properties).map(([name, { description, ...property }]) => [
          name,
          { ...property, description: say(`task.${name}`, description) },
        ]),
      ),
    })),
    problemMatchers: problemMatchers.map((matcher) => ({
      ...matcher,
      label: say(`matcher.${matcher.name}`, matcher.label),
    })),
    breakpoints: debuggers.flatMap(({ languages }) => languages.map((language) => ({ language }))),
    debuggers: debuggers.map(debuggerEntry(say)),
    configuration: configuration(say),
    colors: entries(runnerColors).map(([name, { description, ...defaults }]) => ({
      id: runnerColorId(name),
      description: say(`color.runner.${name}`, description),
      defaults,
    })),
  };
}

function debuggerEntry(say: Say) {
  return ({ attributes, snippets, ...one }: (typeof debuggers)[number]) => ({
    ...one,
    configurationAttributes: Object.fromEntries(
      entries(attributes).map(([request, properties]) => [
        request,
        {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, { description, ...property }]) => [
              name,
              { ...property, description: say(`debug.${request}.${name}`, description) },
            ]),
          ),
        },
      ]),
    ),
    configurationSnippets: entries(snippets).map(([name, { label, description, body }]) => ({
      label: say(`debug.snippet.${name}`, label),
      description: say(`debug.snippet.${name}.description`, description),
      body: { type: debugType, ...body },
    })),
  });
}

function capabilities(say: Say) {
  return {
    untrustedWorkspaces: {
      supported: 'limited',
      description: say(
        'capabilities.untrusted',
        'In an untrusted folder, apps are found by reading text; nothing is started.',
      ),
      restrictedConfigurations: restrictedSettings(),
    },
    virtualWorkspaces: {
      supported: false,
      description: say('capabilities.virtual', 'The emulator and Python need files on a local disk.'),
    },
  };
}

/** The settings that a folder can't set before the user trusts it. */
function restrictedSettings(): readonly string[] {
  return settingGroups.flatMap(({ settings }) =>
    Object.entries(settings).flatMap(([name, { isSafe }]) => (isSafe ? [] : [`minifal.${name}`])),
  );
}

function menu(place: NonNullable<Command['menus']>[number]['menu']) {
  return all.flatMap(({ id, menus = [] }) =>
    menus.filter((entry) => entry.menu === place).map(({ group, when }) => ({ command: id, group, when })),
  );
}

function configuration(say: Say) {
  let order = 0;
  return settingGroups.map(({ name: group, title, settings }, index) => ({
    title: say(`settings.${group}`, title),
    order: index + 1,
    properties: Object.fromEntries(
      Object.entries(settings).map(([name, setting]) => [
        `minifal.${name}`,
        property(setting, ++order, (part, text) => say(`setting.${name}${part}`, text)),
      ]),
    ),
  }));
}

function property(setting: Setting, order: number, say: Say) {
  const { default: fallback, scope, description } = setting;
  return { ...schema(setting, say), default: fallback, order, scope, markdownDescription: say('', description) };
}

/** The part of a setting's JSON schema that restricts its values. */
function schema(setting: Setting, say: Say) {
  switch (setting.type) {
    case 'choice':
      return {
        type: 'string',
        enum: Object.keys(setting.values),
        enumDescriptions: Object.entries(setting.values).map(([value, text]) => say(`.${value}`, text)),
      };
    case 'list': {
      const { pattern, otherwise } = setting.item;
      return {
        type: 'array',
        items: { type: 'string', pattern, patternErrorMessage: say('.invalid', otherwise) },
        uniqueItems: true,
      };
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
