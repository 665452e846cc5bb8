import * as vscode from 'vscode';
import type { Runs } from '../commands/runs.ts';
import { codeHash, type StartedCode } from '../commands/started-code.ts';
import { type CommandName, commandId, commandTitle } from '../contributes/commands.ts';
import { settingId } from '../contributes/settings.ts';
import type { Link } from '../target/link.ts';
import { t } from '../words.ts';
import type { AppIndex } from '../workspace/app-index.ts';
import { appArgument } from '../workspace/choose-app.ts';
import { appKey } from '../workspace/code/listed.ts';
import { appFacts } from './facts.ts';
import { changedIn, placesOf, withChanges } from './places.ts';

interface Item extends vscode.QuickPickItem {
  readonly run: () => unknown;
}

/** What a click on the state of an app offers. */
export async function showAppActions(
  deps: {
    readonly link: Link;
    readonly index: AppIndex;
    readonly runs: Runs;
    readonly startedCode: Pick<StartedCode, 'of'>;
    readonly showApp: (alias: string) => Promise<void>;
    readonly ignoreSaves: (key: string) => unknown;
  },
  argument: unknown,
): Promise<void> {
  const { link, index, runs, startedCode, showApp, ignoreSaves } = deps;
  const { file, app: name } = appArgument(argument);
  const listed = (await index.apps()).filter((one) => one.uri.fsPath === file && one.name === name);
  const [first] = listed;
  if (!first || file === undefined) return;
  const { live } = link.snapshot();
  const places = withChanges(
    placesOf(file, first, listed, live ? appFacts(live, Date.now()) : new Map(), runs),
    startedCode.of,
    await codeHash(file),
  );
  const changed = changedIn(places);
  const again = { file, app: name };
  const known = places.flatMap(({ name: place, facts }) => (facts ? [{ place, facts }] : []));
  const whys = known.flatMap(({ place, facts }): Item[] => {
    const why = facts.reload?.sentence ?? facts.waitsBecause ?? facts.backingOff?.why ?? facts.lastFailure;
    if (why === null) return [];
    return [{ label: `$(question) ${t('Why?')}`, description: place, detail: why, run: () => showApp(facts.alias) }];
  });
  const running = listed.map(appKey).filter((key) => runs.aliasesOf(key).length > 0);
  const items: readonly Item[] = [
    ...(changed.run
      ? [{ label: `$(debug-restart) ${t('Run Again')}`, description: t('code changed'), run: command('runApp', again) }]
      : []),
    ...(changed.deployed
      ? [
          {
            label: `$(cloud-upload) ${t('Deploy Again')}`,
            description: t('code changed'),
            run: command('deployToEmulator', again),
          },
        ]
      : []),
    ...whys,
    ...known.map(({ place, facts }) => ({
      label: `$(output) ${commandTitle('showLog')}`,
      description: place,
      run: () => vscode.commands.executeCommand(commandId('showLog'), { alias: facts.alias }),
    })),
    ...known.map(({ place, facts }) => ({
      label: `$(list-tree) ${t('Show in Apps View')}`,
      description: place,
      run: () => showApp(facts.alias),
    })),
    ...running.flatMap((key) =>
      runs.reloading().some((run) => run.key === key)
        ? [
            { label: `$(debug-restart) ${commandTitle('restartApp')}`, run: () => runs.restartOne(key) },
            { label: `$(eye-closed) ${commandTitle('ignoreSaves')}`, run: () => ignoreSaves(key) },
          ]
        : [],
    ),
    ...running.map((key) => ({
      label: `$(stop-circle) ${commandTitle('stopRun')}`,
      run: () => runs.stopOne(key),
    })),
    { label: `$(eye-closed) ${t('Hide These Lenses')}`, run: hideLenses },
  ];
  const picked = await vscode.window.showQuickPick(items, { title: first.label, matchOnDetail: true });
  await picked?.run();
}

const command = (name: CommandName, argument: unknown) => () =>
  vscode.commands.executeCommand(commandId(name), argument);

async function hideLenses(): Promise<void> {
  const configuration = vscode.workspace.getConfiguration();
  const set = (isShown: boolean | undefined) =>
    configuration.update(settingId('codeLens.enabled'), isShown, vscode.ConfigurationTarget.Global);
  await set(false);
  const undo = t('Show Again');
  const sentence = t('The lenses of fal apps are hidden (setting {0}).', settingId('codeLens.enabled'));
  void vscode.window.showInformationMessage(sentence, undo).then((answer) => {
    if (answer === undo) void set(undefined);
  });
}
