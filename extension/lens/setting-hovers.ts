import * as vscode from 'vscode';
import { commandId, commandTitle, commandUri } from '../contributes/commands.ts';
import type { FoundApp } from '../target/app-code.ts';
import { type AppSettings, askSettings } from '../target/app-settings.ts';
import type { Link } from '../target/link.ts';
import { linkArguments } from '../views/markdown.ts';
import { t } from '../words.ts';
import type { AppIndex, WorkspaceApp } from '../workspace/app-index.ts';
import { appKey } from '../workspace/code/listed.ts';
import type { OpenFiles } from '../workspace/open-files.ts';
import { settingHover } from './setting-text.ts';

const docs = 'https://fal.ai/docs/documentation/deployment/scale-your-application';

/** Hovers over the settings of apps: the values of the code and of the deployed app, and the latter's source. */
export function createSettingHovers(deps: {
  readonly link: Link;
  readonly index: AppIndex;
  readonly openFiles: OpenFiles;
  /** Whether the next deploy of the app with this key uses the values of the code. */
  readonly resetsScale: (key: string) => boolean;
}) {
  const { link, index, openFiles, resetsScale } = deps;

  async function provide(document: vscode.TextDocument, position: vscode.Position): Promise<vscode.Hover | undefined> {
    const range = document.getWordRangeAtPosition(position);
    const word = range && document.getText(range);
    for (const app of await openFiles.apps(document)) {
      const setting = app.settings.find(({ name, line }) => name === word && line === position.line);
      if (!setting) continue;
      const listed = listedFor(document, app);
      const names = listed.length > 0 ? listed.map(({ appName }) => appName) : [app.appName];
      const deployed = (await Promise.all(names.map((alias) => askSettings(link.folder, alias)))).filter(
        (one): one is AppSettings => one !== undefined,
      );
      const text = settingHover(setting, app.kind, deployed);
      if (!text) return undefined;
      const willReset = listed.map(appKey).some(resetsScale);
      const links = [
        ...(willReset ? [t("The next deploy uses the code's scaling values.")] : []),
        ...(text.isSurprising && !willReset ? [useLink({ file: document.uri.fsPath, app: app.name })] : []),
        `[Docs](${docs})`,
      ];
      const markdown = new vscode.MarkdownString(
        `**${setting.name}** ${text.values}\n\n${text.meaning}\n\n${links.join(' · ')}`,
      );
      markdown.isTrusted = { enabledCommands: [commandId('useCodeScaling')] };
      return new vscode.Hover(markdown, range);
    }
    return undefined;
  }

  function listedFor({ uri }: vscode.TextDocument, { name }: FoundApp): readonly WorkspaceApp[] {
    return index.known().filter((one) => one.path === uri.fsPath && one.name === name);
  }

  return { provide };
}

function useLink(argument: { readonly file: string; readonly app: string }): string {
  return `[${commandTitle('useCodeScaling')}](${commandUri('useCodeScaling')}?${linkArguments(argument)})`;
}
