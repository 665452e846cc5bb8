import * as vscode from 'vscode';
import { type CommandName, commandId, commands, commandTitle } from '../contributes/commands.ts';
import type { Link } from '../target/link.ts';
import type { NameOf } from './app-names.ts';
import { requestElement } from './request-rows.ts';
import { type StatusText, statusText } from './status-text.ts';

const actions: readonly { readonly name: CommandName; readonly when: 'up' | 'down' | 'hasApps' | 'always' }[] = [
  { name: 'startEmulator', when: 'down' },
  { name: 'runApp', when: 'hasApps' },
  { name: 'deployToEmulator', when: 'hasApps' },
  { name: 'openTerminal', when: 'always' },
  { name: 'showEmulatorLog', when: 'always' },
  { name: 'stopEmulator', when: 'up' },
];

/** One item on the left, visible only while the workspace has an app or an emulator is running. */
export function createStatusBar(link: Link, appNames: () => NameOf) {
  let item: vscode.StatusBarItem | undefined;
  let hasApps = false;
  let shown = '';

  function update(): void {
    const content = statusText(link.snapshot(), hasApps, link.folder, appNames);
    if (!content) {
      item?.hide();
      return;
    }
    if (!item) {
      item = vscode.window.createStatusBarItem('minifal.status', vscode.StatusBarAlignment.Left);
      item.name = 'fal';
    }
    // The editor closes a tooltip that is set again.
    const text = JSON.stringify(content);
    if (text !== shown) set(item, content);
    shown = text;
    item.show();
  }

  function set(item: vscode.StatusBarItem, content: StatusText): void {
    item.text = content.text;
    const tooltip = new vscode.MarkdownString(content.tooltip, true);
    tooltip.isTrusted = { enabledCommands: [commandId('openRow'), commandId('stopEmulator')] };
    item.tooltip = tooltip;
    const { failed } = content;
    item.command = failed
      ? { command: commandId('openRequest'), title: '', arguments: [requestElement(failed)] }
      : commandId('showActions');
    item.accessibilityInformation = { label: content.spoken, role: 'button' };
    item.backgroundColor = content.isError ? new vscode.ThemeColor('statusBarItem.errorBackground') : undefined;
  }

  const unsubscribe = link.onChange(update);
  update();
  return {
    setHasApps(value: boolean): void {
      hasApps = value;
      update();
    },
    async showActions(): Promise<void> {
      const { state, running } = link.snapshot();
      const isOffered = {
        up: running !== undefined,
        down: state === 'stopped' || state === 'failed',
        hasApps,
        always: true,
      };
      const items = actions
        .filter(({ when }) => isOffered[when])
        .map(({ name }) => ({ label: `$(${commands[name].icon}) ${commandTitle(name)}`, name }));
      const picked = await vscode.window.showQuickPick(items, { title: 'fal' });
      if (picked) await vscode.commands.executeCommand(commandId(picked.name));
    },
    close() {
      unsubscribe();
      item?.dispose();
    },
  };
}
