import { pythonRangeText } from '../target/needs.ts';
import { commandUri } from './commands.ts';
import type { ViewName } from './views.ts';
import { all, hasFolder, hasNoFolder, is, isNot, isTrusted, key, not, type When } from './when.ts';

const hasPython = all(isTrusted, hasFolder, isNot('pythonState', 'missing'), isNot('pythonState', 'tooOld'));
// With an app in the folder, its row is shown.
const isDown = all(
  isNot('emulatorState', 'running'),
  isNot('emulatorState', 'starting'),
  isNot('emulatorState', 'failed'),
);
const afterwards = `After installing it, [refresh](${commandUri('refresh')}).`;
const choosePython = `[Choose Python…](${commandUri('choosePython')})\n${afterwards}`;

/** What an empty view shows instead of rows. A line that is only a link becomes a button. */
export const welcome: readonly {
  readonly view: ViewName;
  /** Unique in its view. */
  readonly name: string;
  readonly contents: string;
  readonly when: When;
}[] = [
  {
    view: 'requests',
    name: 'none',
    contents: `Calls of your apps are listed here.\n[Call App](${commandUri('callApp')})`,
    when: key('hasApps'),
  },
  {
    view: 'requests',
    name: 'noApp',
    contents: `Calls of your apps are listed here.\n[New App…](${commandUri('newApp')})`,
    when: not(key('hasApps')),
  },
  {
    view: 'emulator',
    name: 'starting',
    contents: 'The emulator is starting …',
    when: is('emulatorState', 'starting'),
  },
  {
    view: 'emulator',
    name: 'down',
    contents: `The emulator is not running.\n[Start Emulator](${commandUri('startEmulator', 'emulator')})`,
    when: all(isTrusted, isNot('emulatorState', 'running'), isNot('emulatorState', 'starting')),
  },
  {
    view: 'apps',
    name: 'noFolder',
    contents:
      'Open a folder that contains a fal app.\n[Open Folder](command:vscode.openFolder)\n' +
      `[New App…](${commandUri('newApp')}) · [Get Started](${commandUri('getStarted')})`,
    when: hasNoFolder,
  },
  {
    view: 'apps',
    name: 'notTrusted',
    contents: 'Trust this folder to run its apps.\n[Manage Workspace Trust](command:workbench.trust.manage)',
    when: all(not(isTrusted), hasFolder),
  },
  {
    view: 'apps',
    name: 'noPython',
    contents: `fal apps need Python ${pythonRangeText}, but none was found.\n${choosePython}`,
    when: all(isTrusted, hasFolder, is('pythonState', 'missing')),
  },
  {
    view: 'apps',
    name: 'oldPython',
    contents: `fal apps need Python ${pythonRangeText}, but only an older version was found.\n${choosePython}`,
    when: all(isTrusted, hasFolder, is('pythonState', 'tooOld')),
  },
  {
    view: 'apps',
    name: 'starting',
    contents: 'The emulator is starting …',
    when: all(hasPython, not(key('hasApps')), is('emulatorState', 'starting')),
  },
  {
    view: 'apps',
    name: 'failed',
    contents:
      'The emulator ended unexpectedly or could not be started. ' +
      `See the [log](${commandUri('showEmulatorLog')}) for details.\n` +
      `[Start Emulator](${commandUri('startEmulator', 'apps')})`,
    when: all(hasPython, not(key('hasApps')), is('emulatorState', 'failed')),
  },
  {
    view: 'apps',
    name: 'noApp',
    contents:
      'No fal app found in this folder: no subclass of fal.App, no @fal.function.\n' +
      `[New App…](${commandUri('newApp')})\n[Refresh](${commandUri('refresh')}) · ` +
      `[Get Started](${commandUri('getStarted')})`,
    when: all(hasPython, key('hasNoApps'), isDown),
  },
  {
    view: 'apps',
    name: 'noDeployNoApp',
    contents:
      'The emulator is running. No app is deployed yet, and no fal app was found in this folder.\n' +
      `[Refresh](${commandUri('refresh')})`,
    when: all(hasPython, is('emulatorState', 'running'), key('hasNoApps')),
  },
];
