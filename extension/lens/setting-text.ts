import type { AppSettings } from '../target/app-settings.ts';
import type { Setting } from '../workspace/code/python-file.ts';

type Name = keyof AppSettings['settings'];
type Deployed = AppSettings['settings'][Name];

interface About {
  /** A sentence. */
  readonly meaning: string;
  readonly unit?: 's' | '%';
  /** What a class of `fal.App` gives if it doesn't say (fal/app.py), where that isn't the platform's default. */
  readonly ofClass?: Deployed['value'];
}

const abouts: { readonly [N in Name]: About } = {
  keep_alive: {
    meaning: 'A runner stops when it has had no request for this long.',
    unit: 's',
    ofClass: 60,
  },
  min_concurrency: { meaning: 'This many runners are kept even without requests.' },
  max_concurrency: { meaning: 'At most this many runners are started.' },
  concurrency_buffer: { meaning: 'This many runners are kept in addition to those that requests need.' },
  concurrency_buffer_perc: {
    meaning: 'This percentage of the runners that requests need is kept in addition to them.',
    unit: '%',
  },
  scaling_delay: { meaning: 'A request waits this long for a runner before another one is started.', unit: 's' },
  request_timeout: { meaning: 'A request may take this long on a runner.', unit: 's' },
  request_start_timeout: { meaning: 'A request may wait this long for a runner.', unit: 's' },
  regions: { meaning: 'The regions in which runners may be started. On this machine, they have no effect.' },
  machine_type: {
    meaning: 'The machine of a runner. Here, every type runs on this machine.',
    ofClass: ['S'],
  },
  max_multiplexing: { meaning: 'A runner serves this many requests at the same time.' },
  startup_timeout: { meaning: 'A start, with imports and `setup()`, may take this long.', unit: 's' },
  termination_grace_period_seconds: { meaning: 'A runner that is stopped has this long to finish.', unit: 's' },
};

/** A hover over a setting, as Markdown without links. */
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
    return found ? [{ where: several ? `${alias} ` : '', found }] : [];
  });
  const code = codeValue(setting);
  const differs = deployed.filter(({ found }) => code !== undefined && !isSame(code, found.value));
  const values = [
    `code ${code === undefined ? `\`${inCode(setting.text)}\`` : words(code, about.unit)}`,
    ...deployed.map(({ where, found }) => `${where}deployed ${words(found.value, about.unit)}${sourceOf(found)}`),
    ...(deployed.length === 0 ? ['not deployed'] : []),
    ...defaultsOf(about, kind, deployed[0]?.found),
  ];
  return {
    values: values.join(' · '),
    meaning: about.meaning,
    isSurprising: differs.some(({ found }) => found.isKept),
  };
}

/** A class of `fal.App` may have a default of its own, and the platform another one for what it isn't given. */
function defaultsOf(
  { ofClass, unit }: About,
  kind: 'app' | 'function',
  deployed: Deployed | undefined,
): readonly string[] {
  if (kind === 'app' && ofClass !== undefined) return [`default of fal.App ${words(ofClass, unit)}`];
  return deployed ? [`default ${words(deployed.default, unit)}`] : [];
}

function sourceOf({ source, revision }: Deployed): string {
  if (source === 'kept') return ` (kept from revision ${revision?.slice(0, 8) ?? ''})`;
  return source === 'changed' ? ' (changed after its deploy)' : '';
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
  if (value === null) return 'none';
  if (typeof value === 'number') return `${value}${unit === '%' ? ' %' : unit ? ` ${unit}` : ''}`;
  return value.length === 0 ? 'any' : value.join(', ');
}

/** One line between backticks. */
function inCode(text: string): string {
  const line = text.replaceAll(/[`\s]+/g, ' ');
  return line.length <= 40 ? line : `${line.slice(0, 39)}…`;
}
