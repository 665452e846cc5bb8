import * as vscode from 'vscode';
import { type CommandName, commandId, commands, commandTitle } from '../contributes/commands.ts';
import type { Link } from '../target/link.ts';
import { statusText } from './status-text.ts';

const actions: readonly { readonly name: CommandName; readonly when: 'up' | 'down' | 'hasApps' | 'always' }[] = [
  { name: 'startEmulator', when: 'down' },
  { name: 'runApp', when: 'hasApps' },
  { name: 'deployToEmulator', when: 'hasApps' },
  { name: 'openTerminal', when: 'always' },
  { name: 'showEmulatorLog', when: 'always' },
  { name: 'stopEmulator', when: 'up' },
];

/** One item on the left, visible only while the workspace has an app or an emulator is running. */
export function createStatusBar(link: Link) {
  let item: vscode.StatusBarItem | undefined;
  let hasApps = false;

  function update(): void {
    const content = statusText(link.snapshot(), hasApps);
    if (!content) {
      item?.hide();
      return;
    }
    if (!item) {
      item = vscode.window.createStatusBarItem('minifal.status', vscode.StatusBarAlignment.Left);
      item.name = 'fal';
      item.command = commandId('showActions');
    }
    item.text = content.text;
    item.tooltip = new vscode.MarkdownString(content.tooltip, true);
    item.accessibilityInformation = { label: content.spoken, role: 'button' };
    item.backgroundColor = content.isError ? new vscode.ThemeColor('statusBarItem.errorBackground') : undefined;
    item.show();
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
