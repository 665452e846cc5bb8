import { type Command, inRow } from './command.ts';
import { all, hasFolder, isAnswer, isCall, isTrusted } from './when.ts';

/** Calls of an app's endpoints, as documents. */
export const callCommands = {
  callApp: {
    title: 'Call App',
    icon: 'send',
    palette: all(isTrusted, hasFolder),
    menus: [
      inRow('apps', 'minifal.app', 'inline@1', isTrusted),
      inRow('apps', 'minifal.app.other', 'inline@1', isTrusted),
      inRow('apps', 'minifal.run', 'inline@2', isTrusted),
      inRow('apps', 'minifal.endpoint', 'inline', isTrusted),
      inRow('apps', 'minifal.app', '1_open@2', isTrusted),
      inRow('apps', 'minifal.app.other', '1_open@2', isTrusted),
      inRow('apps', 'minifal.run', '1_open@2', isTrusted),
      inRow('apps', 'minifal.endpoint', '1_open@2', isTrusted),
    ],
  },
  /** Runs what the code says now: an older run of the app is ended first. */
  runAndCall: {
    title: 'Run App and Call It',
    palette: all(isTrusted, hasFolder),
  },
  sendCall: {
    title: 'Send Request',
    palette: all(isTrusted, isCall),
  },
  queueCall: {
    title: 'Send Request to Queue',
    palette: all(isTrusted, isCall),
  },
  cancelCall: {
    title: 'Cancel Call',
    palette: isCall,
  },
  replayCall: {
    title: 'Replay Call',
    palette: all(isTrusted, isCall),
  },
  saveCall: {
    title: 'Save Request',
    palette: isCall,
  },
  copyCall: {
    title: 'Copy Request as Program',
    palette: isCall,
  },
  showCallLog: {
    title: 'Show Call Log',
    palette: isAnswer,
  },
  openResult: {
    title: 'Open Result',
    palette: isAnswer,
  },
  callHistory: {
    title: 'Call History',
    palette: hasFolder,
  },
} as const satisfies { readonly [name: string]: Command };
