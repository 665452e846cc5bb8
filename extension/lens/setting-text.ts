import type { Setting } from '../target/app-code.ts';
import type { AppSettings } from '../target/app-settings.ts';
import { plainMarkdown } from '../views/markdown.ts';
import { t } from '../words.ts';

type Name = keyof AppSettings['settings'];
type Deployed = AppSettings['settings'][Name];

interface About {
  /** A sentence. */
  readonly meaning: () => string;
  readonly unit?: 's' | '%';
  /** What a class of `fal.App` gives if it doesn't say (fal/app.py), where that isn't the platform's default. */
  readonly ofClass?: Deployed['value'];
}

const abouts: { readonly [N in Name]: About } = {
  keep_alive: {
    meaning: () => t('A runner stops when it has had no request for this long.'),
    unit: 's',
    ofClass: 60,
  },
  min_concurrency: { meaning: () => t('This many runners are kept even without requests.') },
  max_concurrency: { meaning: () => t('At most this many runners are started.') },
  concurrency_buffer: { meaning: () => t('This many runners are kept in addition to those that requests need.') },
  concurrency_buffer_perc: {
    meaning: () => t('This percentage of the runners that requests need is kept in addition to them.'),
    unit: '%',
  },
  scaling_delay: {
    meaning: () => t('A request waits this long for a runner before another one is started.'),
    unit: 's',
  },
  request_timeout: { meaning: () => t('A request may take this long on a runner.'), unit: 's' },
  request_start_timeout: { meaning: () => t('A request may wait this long for a runner.'), unit: 's' },
  regions: { meaning: () => t('The regions in which runners may be started. On this machine, they have no effect.') },
  machine_type: {
    meaning: () => t('The machine of a runner. Here, every type runs on this machine.'),
    ofClass: ['S'],
  },
  max_multiplexing: { meaning: () => t('A runner serves this many requests at the same time.') },
  startup_timeout: { meaning: () => t('A start, with imports and `setup()`, may take this long.'), unit: 's' },
  termination_grace_period_seconds: {
    meaning: () => t('A runner that is stopped has this long to finish.'),
    unit: 's',
  },
};

/** A hover over a setting, as Markdown without links and pictures. */
export interface SettingHover {
  /** `keep_alive`: code 60 s · deployed 30 s (kept from revision da0ff24c) · default 10 s */
  readonly values: string;
  readonly meaning: string;
  /** The deployed value isn't the code's, and the next deploy would keep it. */
  readonly isSurprising: boolean;
}

/**
 * What to say about a setting in an app's code; `undefined`: nothing is known about it. `places`: the aliases under
 * which the app is deployed. Pure.
 */
export function settingHover(
  setting: Setting,
  kind: 'app' | 'function',
  places: readonly AppSettings[],
): SettingHover | undefined {
  if (!Object.hasOwn(abouts, setting.name)) return undefined;
  const name = setting.name as Name;
  const about = abouts[name];
  const several = places.length > 1;
  const deployed = places.flatMap(({ alias, settings }) => {
    const found = settings[name];
    return found ? [{ where: several ? `${plainMarkdown(alias)} ` : '', found }] : [];
  });
  const code = codeValue(setting);
  const differs = deployed.filter(({ found }) => code !== undefined && !isSame(code, found.value));
  const values = [
    t('code {0}', code === undefined ? `\`${inCode(setting.text)}\`` : words(code, about.unit)),
    ...deployed.map(({ where, found }) => where + t('deployed {0}', words(found.value, about.unit)) + sourceOf(found)),
    ...(deployed.length === 0 ? [t('not deployed')] : []),
    ...defaultsOf(about, kind, deployed[0]?.found),
  ];
  return {
    values: values.join(' · '),
    meaning: about.meaning(),
    isSurprising: differs.some(({ found }) => found.isKept),
  };
}

/** A class of `fal.App` may have a default of its own, and the platform another one for what it isn't given. */
function defaultsOf(
  { ofClass, unit }: About,
  kind: 'app' | 'function',
  deployed: Deployed | undefined,
): readonly string[] {
  if (kind === 'app' && ofClass !== undefined) return [t('default of fal.App {0}', words(ofClass, unit))];
  return deployed ? [t('default {0}', words(deployed.default, unit))] : [];
}

function sourceOf({ source, revision }: Deployed): string {
  if (source === 'kept') return ` (${t('kept from revision {0}', revision?.slice(0, 8) ?? '')})`;
  return source === 'changed' ? ` (${t('changed after its deploy')})` : '';
}

/** The value in the code in the form in which the platform has it; `undefined`: only running the code would show it. */
function codeValue({ name, value }: Setting): Deployed['value'] | undefined {
  if (name === 'machine_type' || name === 'regions') {
    const list = typeof value === 'string' ? [value] : value;
    return Array.isArray(list) && list.every((one) => typeof one === 'string') ? list : undefined;
  }
  // fal/app.py: 0 clears the default deadline.
  if (name === 'request_start_timeout' && value === 0) return null;
  return typeof value === 'number' || value === null ? value : undefined;
}

function isSame(a: Deployed['value'], b: Deployed['value']): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function words(value: Deployed['value'], unit: About['unit']): string {
  if (value === null) return t('none');
  if (typeof value === 'number') return `${value}${unit === '%' ? ' %' : unit ? ` ${unit}` : ''}`;
  // The code and the app may have any text there; a picture would be fetched as soon as the hover is shown.
  return value.length === 0 ? t('any') : value.map(plainMarkdown).join(', ');
}

/** One line between backticks. */
function inCode(text: string): string {
  const line = text.replaceAll(/[`\s]+/g, ' ');
  return line.length <= 40 ? line : `${line.slice(0, 39)}…`;
}
