import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { stateWords } from '../emulator/scheduler/types.ts';
import { startSettings } from './checked-settings.ts';
import { inTitle } from './contributes/command.ts';
import { commandUri } from './contributes/commands.ts';
import { manifest as generated } from './contributes/manifest.ts';
import { is, key } from './contributes/when.ts';
import { stateLook } from './views/states.ts';

const root = join(import.meta.dirname, '..');
const setting = z.strictObject({
  type: z.string(),
  default: z.unknown(),
  order: z.int(),
  scope: z.enum(['machine', 'machine-overridable', 'resource', 'window']),
  markdownDescription: z.string().regex(/^[^.]+\..*\.$|^[^.]+\.$/),
  enum: z.array(z.string()).optional(),
  enumDescriptions: z.array(z.string()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  items: z.unknown().optional(),
  uniqueItems: z.boolean().optional(),
});
const themes = ['dark', 'light', 'highContrast', 'highContrastLight'] as const;
const menuItem = z.object({ command: z.string(), when: z.string(), group: z.string().optional() });
const manifest: { readonly contributes: unknown; readonly capabilities: unknown } = JSON.parse(
  readFileSync(join(root, 'package.json'), 'utf8'),
);
const words: { readonly [key: string]: string } = JSON.parse(readFileSync(join(root, 'package.nls.json'), 'utf8'));
/** What the editor makes of the manifest: with the texts of package.nls.json. */
const shown = JSON.parse(JSON.stringify(manifest), (_key, value) => {
  const [, key] = (typeof value === 'string' && /^%(.+)%$/.exec(value)) || [];
  return key === undefined ? value : words[key];
});
const { activationEvents, capabilities, contributes } = z
  .object({
    activationEvents: z.array(z.string()),
    capabilities: z.object({ untrustedWorkspaces: z.object({ restrictedConfigurations: z.array(z.string()) }) }),
    contributes: z.object({
      commands: z.array(z.object({ command: z.string(), category: z.literal('fal'), title: z.string() })),
      menus: z.record(z.string(), z.array(menuItem)),
      keybindings: z.array(
        z.object({
          command: z.string(),
          key: z.string(),
          mac: z.string(),
          when: z.string(),
          args: z.string().optional(),
        }),
      ),
      colors: z.array(
        z.object({ id: z.string(), description: z.string(), defaults: z.record(z.enum(themes), z.string()) }),
      ),
      problemMatchers: z.array(z.object({ owner: z.string() })).min(1),
      configuration: z.array(
        z.strictObject({ title: z.string(), order: z.int(), properties: z.record(z.string(), setting) }),
      ),
    }),
  })
  .parse(shown);
/** Not translated. */
const names = ['fal', 'fal (local)', 'minifal-ready', 'fal: Debug App', 'fal: Attach to Runner'];
const textFields =
  /^(title|label|name|shortTitle|contents|contextualTitle|tooltip|.*[dD]escription|patternErrorMessage|displayName)$/;
const titles = new Map(contributes.commands.map(({ command, title }) => [command, title]));

describe('the manifest', () => {
  it('is what the tables in contributes/ give', () => {
    // As text, because the order counts, too.
    expect(JSON.stringify(manifest.contributes, null, 2)).toBe(JSON.stringify(generated().contributes, null, 2));
    expect(manifest.capabilities).toEqual(generated().capabilities);
  });

  it('has no text for people in itself: all are in package.nls.json, and nothing else is', () => {
    const used: string[] = [];
    const left: string[] = [];
    JSON.stringify({ contributes: manifest.contributes, capabilities: manifest.capabilities }, (key, value) => {
      if (typeof value !== 'string') return value;
      if (/^%.+%$/.test(value)) used.push(value.slice(1, -1));
      else if (textFields.test(key) && !names.includes(value)) left.push(`${key}: ${value}`);
      return value;
    });
    expect(left).toEqual([]);
    // The packaged manifest's own description is there, too.
    expect(['description', ...used].toSorted()).toEqual(Object.keys(words).toSorted());
  });

  it('can name only commands, views and context keys that exist', () => {
    // Each of these comments is an error for the compiler if the line below it compiles.
    const wrong = [
      // @ts-expect-error
      commandUri('startEverything'),
      // @ts-expect-error
      inTitle('workers', 'navigation', key('hasApps')).when,
      // @ts-expect-error
      key('hasDeployments'),
      // @ts-expect-error
      key('emulatorState'),
      // @ts-expect-error
      is('emulatorState', 'runing'),
      // @ts-expect-error
      inTitle('apps', 'navigation', 'minifal.hasApps').when,
    ];
    expect(wrong).not.toContain(undefined);
  });

  it('starts nothing automatically, and searches no folder', () => {
    const debugging = ['onDebugResolve:fal', 'onDebugDynamicConfigurations:fal'];
    const schemes = ['onFileSystem:fal-call', 'onFileSystem:minifal-request'];
    expect(activationEvents).toEqual(['onLanguage:python', ...debugging, ...schemes, 'onStartupFinished']);
  });

  it('names commands by a verb and an object, and the product only once', () => {
    for (const title of titles.values()) expect(title).toMatch(/^[A-Z][a-z]+ (?!fal$)[\w' ]+[…?]?$/);
  });

  it('has every action of a menu in the palette, too', () => {
    const palette = contributes.menus.commandPalette ?? [];
    const hidden = palette.filter(({ when }) => when === 'false').map(({ command }) => command);
    // Exceptions: the row's action, whose palette command clears all rows, what keys and menus do with any row, a quick
    // fix, and the lists of actions behind a lens and the status bar.
    const ofRows = ['openRow', 'endRow', 'copyId', 'copyUrl', 'openUrl'];
    expect(hidden).toEqual(
      ['showAppActions', 'clearRunner', ...ofRows, 'clearProblem', 'showActions'].map((name) => `minifal.${name}`),
    );
    for (const { command } of Object.values(contributes.menus).flat()) expect([...titles.keys()]).toContain(command);
  });

  it('requires workspace trust for everything that runs a program', () => {
    const runs = [
      'startEmulator',
      'restartEmulator',
      'addSecret',
      'importSecrets',
      'removeSecret',
      'cleanDisk',
      'runApp',
      'debugApp',
      'attachDebugger',
      'callApp',
      'sendCall',
      'queueCall',
      'replayCall',
      'replayRequest',
      'deployToEmulator',
      'openTerminal',
      'choosePython',
      'installFal',
      'resetSecrets',
    ];
    const places = [...Object.values(contributes.menus).flat(), ...contributes.keybindings];
    for (const { command, when } of places) {
      if (runs.includes(command.replace('minifal.', '')))
        expect([command, when]).toEqual([command, expect.stringContaining('isWorkspaceTrusted')]);
    }
  });

  it('enables each chord only where it has an effect', () => {
    expect(contributes.keybindings.map(({ command }) => titles.get(command))).toEqual([
      'Run App',
      'Stop Run',
      'Deploy to Emulator',
      'Open Selected Row',
      'Open Selected Row',
      'Open Selected Row',
      'End Selected Row',
      'End Selected Row',
      'End Selected Row',
      'Open Local Terminal',
    ]);
    for (const { key, mac, when, args } of contributes.keybindings) {
      // Keys of a list act only while it has the focus.
      if (args !== undefined) {
        expect(when).toBe(`focusedView == minifal.${args} && listFocus && !inputFocus`);
        continue;
      }
      expect(key).toMatch(/^ctrl\+k \S+$/);
      expect(mac).toBe(key.replace('ctrl+', 'cmd+'));
      expect(when).toMatch(/minifal\./);
    }
  });

  it('lets no task clear the problems that the extension reports', () => {
    const source = readFileSync(join(root, 'extension', 'problems', 'problems.ts'), 'utf8');
    const [, reported] = /createDiagnosticCollection\('(.+)'\)/.exec(source) ?? [];
    expect(reported).toBe('fal');
    // The editor removes all problems of a matcher's owner whenever a task with the matcher begins.
    expect(contributes.problemMatchers.map(({ owner }) => owner)).not.toContain(reported);
  });

  it('has few settings, each with a complete description and an order of its own', () => {
    const settings = contributes.configuration.flatMap(({ properties }) => Object.entries(properties));
    expect(settings.length).toBeLessThan(24);
    expect(settings.map(([, { order }]) => order)).toEqual(settings.map((_, index) => index + 1));
    for (const [, { enum: values, enumDescriptions }] of settings)
      expect(enumDescriptions?.length).toBe(values?.length);
    const taste = [
      'stopEmulatorOnClose',
      'debug.stopOnEnd',
      'codeLens.enabled',
      'inlineLogs.enabled',
      'checks.enabled',
    ].map((name) => `minifal.${name}`);
    expect(capabilities.untrustedWorkspaces.restrictedConfigurations.toSorted()).toEqual(
      settings
        .map(([name]) => name)
        .filter((name) => !taste.includes(name))
        .toSorted(),
    );
  });

  it('documents every setting in the README, and marks those that need a restart of the emulator', () => {
    const rows = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8').match(/^\| `minifal\..*$/gm) ?? [];
    const named = rows.map((row) => row.split('`')[1]);
    const settings = contributes.configuration.flatMap(({ properties }) => Object.keys(properties));
    expect(named.toSorted()).toEqual(settings.toSorted());
    const waiting = rows.filter((row) => row.endsWith('(next start) |')).map((row) => row.split('`')[1]);
    expect(waiting.toSorted()).toEqual(startSettings.map((name) => `minifal.${name}`).toSorted());
  });
});

describe('colours', () => {
  it('come from the theme: a colour of its charts or tests, for each kind of theme', () => {
    for (const { defaults } of contributes.colors) {
      expect(Object.keys(defaults)).toEqual(themes);
      for (const color of Object.values(defaults)) expect(color).toMatch(/^(charts|testing)\.[a-zA-Z]+$/);
    }
  });

  it('are contributed for every runner state, and for nothing else', () => {
    const states = Object.values(stateWords);
    expect(states.filter((state) => stateLook(state).meaning === '')).toEqual([]);
    const used = [...states, 'NEW_WORD'].map((state) => stateLook(state).color);
    expect([...new Set(used)].toSorted()).toEqual(contributes.colors.map(({ id }) => id).toSorted());
  });

  it('are never hard-coded in the code or the manifest', () => {
    const sources = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
      .map((name) => join(import.meta.dirname, name));
    expect(sources.length).toBeGreaterThan(30);
    for (const file of [...sources, join(root, 'package.json')]) {
      expect([file, readFileSync(file, 'utf8').match(/#[0-9a-f]{3,8}\b|\b(rgb|hsl)a?\(/i)?.[0]]).toEqual([
        file,
        undefined,
      ]);
    }
  });
});
