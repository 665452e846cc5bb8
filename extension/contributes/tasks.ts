/** The type of the tasks in tasks.json. */
export const taskType = 'minifal' as const;

/** The first line in the terminal of a run, before the app; and the line that ends the start of a background task. */
const runMark = '> fal run ';
export const readyMark = 'fal: ready at ';
/** Reports no problems; says from which line to which a background task starts. */
export const readyMatcher = 'minifal-ready';

export const taskDefinitions = [
  {
    type: taskType,
    required: ['command'],
    properties: {
      command: {
        type: 'string',
        enum: ['start', 'run', 'deploy'],
        description:
          'start: the emulator, until it answers. run: an app, in the background, until it is stopped. ' +
          'deploy: an app, until it is deployed.',
      },
      app: {
        type: 'string',
        description:
          'With run and deploy: the app, as FILE::NAME from the workspace folder. FILE may be a pyproject.toml.',
      },
      instance: { type: 'number', description: 'Distinguishes two runs of one app.' },
    },
  },
];

export const problemMatchers = [
  {
    name: readyMatcher,
    label: 'fal: the app is ready',
    owner: 'fal',
    fileLocation: ['relative', '$' + '{workspaceFolder}'],
    pattern: { regexp: '(?!)', file: 1, line: 2, message: 3 },
    background: { activeOnStart: true, beginsPattern: `^${runMark}`, endsPattern: `^${readyMark}` },
  },
];
