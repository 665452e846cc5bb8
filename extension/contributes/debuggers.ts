import { mayDebug } from './when.ts';

/** The type of the configurations in launch.json. */
export const debugType = 'fal' as const;

const justMyCode = {
  type: 'boolean',
  default: true,
  description: "Stops only in your app's code, not in libraries.",
};

export const debuggers = [
  {
    type: debugType,
    label: 'fal',
    languages: ['python'],
    when: mayDebug,
    attributes: {
      launch: {
        app: {
          type: 'string',
          description:
            'The app to debug, as FILE::NAME relative to the workspace folder. FILE can be a pyproject.toml. Without ' +
            'it, you are asked.',
        },
        justMyCode,
      },
      attach: {
        runner: { type: 'string', description: 'The ID of the runner. Without it, you are asked.' },
        justMyCode,
      },
    },
    snippets: {
      app: {
        label: 'fal: Debug App',
        description: 'Runs an app on the local emulator and debugs it.',
        body: { request: 'launch', name: 'fal: Debug App', app: '$' + '{1:app.py}::$' + '{2:App}' },
      },
      runner: {
        label: 'fal: Attach to Runner',
        description: 'Debugs a runner of the local emulator, of a deployed app, too.',
        body: { request: 'attach', name: 'fal: Attach to Runner' },
      },
    },
  },
] as const;
