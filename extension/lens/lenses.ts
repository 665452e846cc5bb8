import type { CommandName } from '../contributes/commands.ts';
import type { Endpoint, FoundApp } from '../target/app-code.ts';
import { t } from '../words.ts';

/** A CodeLens as plain data. */
export interface Lens {
  /** 0-based. */
  readonly line: number;
  readonly title: string;
  /** Absent: only text. */
  readonly action?: LensAction;
}

interface LensAction {
  readonly command: CommandName;
  readonly argument: LensArgument;
}

/** What the commands of lenses get. */
interface LensArgument {
  /** Absolute. */
  readonly file: string;
  /** The class or function. */
  readonly app: string;
  /** The method and path of an endpoint. */
  readonly endpoint?: { readonly method: string; readonly path?: string };
}

interface Action {
  /** Says where it acts: on the local emulator. */
  readonly title: string;
  readonly command: CommandName;
}

/** What of an app answers with older code than that of its file. */
export interface Changed {
  readonly run: boolean;
  readonly deployed: boolean;
}

/** The actions in front of the state of an app, in order. A new action is one entry. */
const appActions = (changed: Changed): readonly Action[] => [
  { title: changed.run ? t('Run Again') : t('Run Local'), command: 'runApp' },
  { title: t('Debug'), command: 'debugApp' },
  { title: t('Call'), command: 'callApp' },
  { title: changed.deployed ? t('Deploy Again') : t('Deploy Local'), command: 'deployToEmulator' },
];
const functionActions = (): readonly Action[] => [{ title: t('Run Local'), command: 'runApp' }];
/** The actions in front of the figures of an endpoint. */
const endpointActions = (): readonly Action[] => [{ title: t('Call'), command: 'callApp' }];

/** What depends on the state of an app. */
interface Texts {
  readonly state: (app: FoundApp) => string;
  readonly changed: (app: FoundApp) => Changed;
  readonly endpoint: (app: FoundApp, endpoint: Endpoint) => string;
}

/**
 * The lenses of a file: for each app its actions and state, for each of its endpoints its actions and figures. Their
 * number depends only on the code. Pure.
 */
export function lensesOf(file: string, apps: readonly FoundApp[], texts: Texts): readonly Lens[] {
  return apps.flatMap((app) => (app.isBase ? [] : [...appLenses(file, app, texts), ...endpointLenses(app)]));

  function endpointLenses(app: FoundApp): readonly Lens[] {
    return app.endpoints.flatMap((endpoint) => {
      const { topLine: line, method, path } = endpoint;
      const argument = { file, app: app.name, endpoint: { method, ...(path === undefined ? {} : { path }) } };
      const isCallable = endpoint.kind === 'http' && path !== undefined;
      const actions = (isCallable ? endpointActions() : []).map(({ title, command }) => ({
        line,
        title,
        action: { command, argument },
      }));
      return [...actions, { line, title: plain(texts.endpoint(app, endpoint)) }];
    });
  }
}

function appLenses(file: string, app: FoundApp, texts: Pick<Texts, 'state' | 'changed'>): readonly Lens[] {
  const { topLine: line, name } = app;
  const argument = { file, app: name };
  const actions = app.kind === 'app' ? appActions(texts.changed(app)) : functionActions();
  return [
    ...actions.map(({ title, command }) => ({ line, title, action: { command, argument } })),
    { line, title: plain(texts.state(app)), action: { command: 'showAppActions', argument } },
  ];
}

/** The editor would draw `$(name)` as an icon. */
function plain(text: string): string {
  return text.replaceAll('$(', '\\$(');
}
