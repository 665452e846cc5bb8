import { pythonRangeText } from '../target/needs.ts';
import { commandUri } from './commands.ts';
import { is, key, type When } from './when.ts';

interface Step {
  readonly title: string;
  /** Markdown; a line that is only a link becomes a button. */
  readonly description: string;
  /** The picture `media/walkthrough-NAME.svg`, in words. */
  readonly picture: string;
  /** Completes the step. A command wouldn't: the user may have cancelled it. */
  readonly completedWhen: When;
}

/** The first steps with fal on this machine. None needs an account or a key. */
export const steps = {
  python: {
    title: 'Choose Python',
    description:
      `fal needs Python ${pythonRangeText}. The project's .venv and the Python on PATH are found automatically; the ` +
      'status bar and the list say which one is used.\n' +
      `[Choose Python…](${commandUri('choosePython')})`,
    picture: 'A list of the Python interpreters of this machine, each with its version of fal.',
    completedWhen: is('pythonState', 'ok'),
  },
  fal: {
    title: 'Install the fal Command',
    description:
      'With uv, this takes seconds. A virtual environment gets fal itself; any other Python stays as it is.\n' +
      `[Install fal](${commandUri('installFal')})`,
    picture: 'fal and fal_client are installed into an environment.',
    completedWhen: key('hasFal'),
  },
  app: {
    title: 'Create an App',
    description:
      'A template becomes a few files in an empty or a new folder. Nothing is overwritten, and Undo removes them.\n' +
      `[New App…](${commandUri('newApp')})`,
    picture: 'The file app.py with a class and an endpoint.',
    completedWhen: key('hasApps'),
  },
  run: {
    title: 'Run and Call It',
    description:
      'This starts the emulator, runs the app until you stop it, and sends the example of its endpoint. The answer ' +
      'appears next to the request. Later, choose Call above an endpoint.\n' +
      `[Run and Call](${commandUri('runAndCall')})`,
    picture: 'A request goes to a runner on this machine, and the answer comes back.',
    completedWhen: is('lastCall', 'answered'),
  },
  break: {
    title: 'Break It',
    description:
      'Let the endpoint raise an exception, such as raise KeyError(input.name), and run the app again with the new ' +
      `code.\n[Run and Call Again](${commandUri('runAndCall')})\n` +
      'The answer is an error, and Problems shows the exception at its line. Repair the code, and call once more.',
    picture: 'A line of the app is underlined, with the exception next to it.',
    completedWhen: is('lastCall', 'failed'),
  },
} as const satisfies { readonly [name: string]: Step };

export const walkthrough = {
  id: 'getStarted',
  title: 'Get Started with fal on This Machine',
  description: 'From nothing to the first answer of your own app: no account, no key.',
} as const;
