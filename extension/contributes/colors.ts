/** A theme's own colour, for each kind of theme. */
interface Color {
  readonly description: string;
  readonly dark: string;
  readonly light: string;
  readonly highContrast: string;
  readonly highContrastLight: string;
}

const everywhere = (color: string) => ({
  dark: color,
  light: color,
  highContrast: color,
  highContrastLight: color,
});

/** The colours of runners' icons (`minifal.runner.NAME`), which a person can change in the editor's settings. */
export const runnerColors = {
  waiting: { description: 'Icon of a fal runner that waits for a process.', ...everywhere('charts.foreground') },
  starting: { description: 'Icon of a fal runner that starts.', ...everywhere('charts.blue') },
  idle: { description: 'Icon of a fal runner that waits for requests.', ...everywhere('charts.green') },
  busy: {
    description: 'Icon of a fal runner that works on requests.',
    ...everywhere('testing.iconPassed'),
    light: 'charts.green',
  },
  ending: { description: 'Icon of a fal runner that ends.', ...everywhere('charts.purple') },
  failed: { description: 'Icon of a fal runner whose last start failed.', ...everywhere('charts.red') },
  ended: {
    description: 'Icon of a fal runner that has ended.',
    ...everywhere('charts.foreground'),
    dark: 'testing.iconSkipped',
    light: 'testing.iconSkipped',
  },
} as const satisfies { readonly [name: string]: Color };

export type RunnerColor = keyof typeof runnerColors;

export const runnerColorId = (name: RunnerColor) => `minifal.runner.${name}` as const;
