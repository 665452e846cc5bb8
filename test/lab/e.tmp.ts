import * as vscode from 'vscode';
export async function run() {
  const e = vscode.extensions.getExtension('lab.proof');
  const before = e?.isActive; await e?.activate();
  return { before, after: e?.isActive, path: e?.extensionPath, trusted: vscode.workspace.isTrusted, cmds: (await vscode.commands.getCommands()).filter(c=>c.startsWith('proof')), x: vscode.workspace.getConfiguration('workbench').inspect('startupEditor') };
}
