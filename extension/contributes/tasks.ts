/** The type of the tasks in tasks.json. */
export const taskType = 'minifal' as const;

/** The first line in the terminal of a run, before the app; and the line that ends the start of a background task. */
const runMark = '> fal run ';
export const readyMark = 'fal: ready at ';
/** Reports no problems; defines between which lines a background task starts. */
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
          'start: starts the emulator and waits until it responds. run: runs an app in the background until you stop ' +
          'it. deploy: deploys an app and waits until it is deployed.',
      },
      app: {
        type: 'string',
        description:
          'The app to run or deploy, as FILE::NAME relative to the workspace folder. FILE can be a pyproject.toml.',
      },
      instance: { type: 'number', description: 'Distinguishes several runs of one app.' },
    },
  },
];

export const problemMatchers = [
  {
    name: readyMatcher,
    label: 'fal: app is ready',
    // Not the name of a collection of diagnostics: the editor clears an owner's problems when a task of it begins.
    owner: readyMatcher,
    fileLocation: ['relative', '$' + '{workspaceFolder}'],
    pattern: { regexp: '(?!)', file: 1, line: 2, message: 3 },
    background: { activeOnStart: true, beginsPattern: `^${runMark}`, endsPattern: `^${readyMark}` },
  },
];
