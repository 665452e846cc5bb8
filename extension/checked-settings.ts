import { homedir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { settings as table } from './contributes/settings.ts';
import { isWebOrigin } from './target/web-origin.ts';
import { t } from './words.ts';

/** A setting whose value may be invalid: the values that it accepts, and the fallback. */
interface Checked<T> {
  readonly schema: z.ZodType<T>;
  readonly fallback: T;
  /** The rest of the sentence "The setting minifal.x has an invalid value; …". */
  readonly instead: () => string;
  /** The arguments of `minifal start` for this setting; absent: the emulator doesn't read it at its start. */
  readonly start?: (value: T) => readonly string[];
}

function checked<T>(
  { default: fallback }: { readonly default: T },
  schema: z.ZodType<T>,
  instead: () => string,
  start?: Checked<T>['start'],
): Checked<T> {
  return { schema, fallback, instead, ...(start ? { start } : {}) };
}

const each = (flag: string) => (values: readonly string[]) => values.flatMap((value) => [flag, value]);

/** One of the values that the table of a setting lists. */
function oneOf<V extends string>({ values }: { readonly values: { readonly [value in V]: string } }): z.ZodType<V> {
  return z.enum(Object.keys(values) as V[]);
}

/** A new setting is an entry in contributes/settings.ts, a line here, and one in extension/README.md. */
const settings = {
  port: checked(
    table.port,
    z.int().min(table.port.minimum).max(table.port.maximum),
    () => t('port {0} is used', table.port.default),
    (port) => ['--port', String(port)],
  ),
  machineLimits: checked(
    table.machineLimits,
    oneOf(table.machineLimits),
    () => t('`warn` is used'),
    (mode) => (mode === 'warn' ? [] : ['--machine-limits', mode]),
  ),
  isolation: checked(
    table.isolation,
    oneOf(table.isolation),
    () => t('`full` is used'),
    (mode) => ['--isolation', mode],
  ),
  timeScale: checked(
    table.timeScale,
    z.number().min(table.timeScale.minimum).max(table.timeScale.maximum),
    () => t('delays pass in real time'),
    (scale) => (scale === 1 ? [] : ['--time-scale', String(scale)]),
  ),
  allowedOrigins: checked<readonly string[]>(
    table.allowedOrigins,
    z.array(z.string().refine(isWebOrigin)),
    () => t('no web page is allowed'),
    each('--allow-origin'),
  ),
  share: checked<readonly string[]>(
    table.share,
    z.array(z.string().regex(new RegExp(table.share.item.pattern))),
    () => t('nothing is shared'),
    (paths) => each('--share')(paths.map(homePath)),
  ),
  huggingFaceCache: checked(
    table.huggingFaceCache,
    oneOf(table.huggingFaceCache),
    () => t('`off` is used'),
    (mode) => (mode === 'off' ? [] : ['--hugging-face', mode]),
  ),
  allowOutside: checked(
    table.allowOutside,
    z.boolean(),
    () => t('it is off'),
    (mayListen) => (mayListen ? ['--allow-outside'] : []),
  ),
  stopEmulatorOnClose: checked(table.stopEmulatorOnClose, oneOf(table.stopEmulatorOnClose), () =>
    t('the emulator stops when the last window closes'),
  ),
  // The key goes through a pipe (process/keychain.ts), never as an argument.
  workingFolder: checked(table.workingFolder, oneOf(table.workingFolder), () => t('the project folder is used')),
  hotReload: checked(table.hotReload, oneOf(table.hotReload), () => t('`swap` is used')),
  hotReloadAudit: checked(table.hotReloadAudit, z.boolean(), () => t('it is off')),
  'run.scaling': checked(table['run.scaling'], oneOf(table['run.scaling']), () => t('`pinned` is used')),
  hotReloadIgnore: checked<readonly string[]>(
    table.hotReloadIgnore,
    z.array(z.string().regex(new RegExp(table.hotReloadIgnore.item.pattern))),
    () => t('no file is ignored'),
  ),
  sealSecrets: checked(
    table.sealSecrets,
    oneOf(table.sealSecrets),
    () => t('`auto` is used'),
    () => [],
  ),
};

export type CheckedName = keyof typeof settings;
type Value<N extends CheckedName> = (typeof settings)[N]['fallback'];
export type CheckedSettings = { readonly [N in CheckedName]: Value<N> };

export const checkedNames = Object.keys(settings) as readonly CheckedName[];

/** Settings that take effect only at the next start of the emulator. */
export const startSettings: readonly CheckedName[] = checkedNames.filter((name) => 'start' in settings[name]);

/** The value if it is valid, otherwise the default. Pure. */
export function usable<N extends CheckedName>(name: N, value: unknown): Value<N> {
  const { schema, fallback } = settings[name];
  const parsed = schema.safeParse(value);
  return (parsed.success ? parsed.data : fallback) as Value<N>;
}

/** All settings, from the editor's values. Pure. */
export function usableSettings(given: (name: CheckedName) => unknown): CheckedSettings {
  return Object.fromEntries(checkedNames.map((name) => [name, usable(name, given(name))])) as CheckedSettings;
}

/** A sentence if the value is invalid. Pure. */
export function invalidValueMessage(name: CheckedName, value: unknown): string | undefined {
  const { schema, instead } = settings[name];
  if (schema.safeParse(value).success) return undefined;
  return t('The setting {0} has an invalid value; {1}.', `minifal.${name}`, instead());
}

/** The arguments of `minifal start` for these settings. Pure, except for the home folder. */
export function startArguments(values: CheckedSettings): readonly string[] {
  const ofOne = <N extends CheckedName>(name: N) => (settings[name] as Checked<Value<N>>).start?.(values[name]) ?? [];
  return checkedNames.flatMap(ofOne);
}

/** A trimmed path in which the home folder replaces `~`. */
export function homePath(text: string): string {
  const path = text.trim();
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
}
